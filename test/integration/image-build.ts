import { spawn } from "node:child_process";
import { cp, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { type Instruction, pairs, type Stage } from "./dockerfile.ts";

/** What a container engine would know of the last stage. */
export interface BuiltImage {
  /** The directory that stands for `/`, without the files of the base image. */
  readonly root: string;
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

interface StageState {
  readonly root: string;
  workingDirectory: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
}

/**
 * Carries out a Dockerfile without a container engine: each stage is a directory below `root`, COPY copies into it what .dockerignore lets
 * through, RUN runs for real in the stage's working directory. What it does not imitate are the base images: commands find the programs of
 * this machine, so a RUN may only use what both have.
 *
 * @throws Error when a step fails; the message holds the end of its output.
 */
export async function buildImage(stages: readonly Stage[], context: string, root: string): Promise<BuiltImage> {
  const ignore = await readFile(join(context, ".dockerignore"), "utf8");
  const built = new Map<string, StageState>();
  let state: StageState | undefined;
  for (const stage of stages) {
    state = { root: join(root, stage.name), workingDirectory: "/", env: {}, labels: {}, user: "", entrypoint: [], command: [] };
    built.set(stage.name, state);
    await mkdir(state.root, { recursive: true });
    for (const instruction of stage.instructions) {
      await carryOut(instruction, state, { context, ignore, built });
    }
  }
  if (state === undefined) {
    throw new Error("the Dockerfile has no stage");
  }
  return state;
}

interface Sources {
  readonly context: string;
  readonly ignore: string;
  readonly built: ReadonlyMap<string, StageState>;
}

async function carryOut({ keyword, argument }: Instruction, state: StageState, sources: Sources): Promise<void> {
  switch (keyword) {
    case "WORKDIR":
      state.workingDirectory = join(state.workingDirectory, argument);
      await mkdir(join(state.root, state.workingDirectory), { recursive: true });
      return;
    case "COPY":
      return copy(argument, state, sources);
    case "RUN":
      return run(argument, state);
    case "ENV":
      state.env = { ...state.env, ...Object.fromEntries(pairs(argument)) };
      return;
    case "LABEL":
      state.labels = { ...state.labels, ...Object.fromEntries(pairs(argument)) };
      return;
    case "USER":
      state.user = argument;
      return;
    case "ENTRYPOINT":
      state.entrypoint = JSON.parse(argument);
      return;
    case "CMD":
      state.command = JSON.parse(argument);
      return;
    case "EXPOSE":
      return;
    default:
      throw new Error(`${keyword} is not something that this build can do`);
  }
}

async function copy(argument: string, state: StageState, { context, ignore, built }: Sources): Promise<void> {
  const words = argument.split(" ");
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const target = words.pop() ?? "";
  const source = from === undefined ? context : built.get(from)?.root;
  if (source === undefined || words.length === 0 || words[0]?.startsWith("--")) {
    throw new Error(`COPY ${argument}: no such stage or flag`);
  }
  const destination = join(state.root, target.startsWith("/") ? "" : state.workingDirectory, target);
  for (const word of words) {
    const path = join(source, word);
    const isDirectory = (await stat(path)).isDirectory();
    const into = isDirectory || !(target.endsWith("/") || words.length > 1) ? destination : join(destination, basename(word));
    const passes = (file: string) => from !== undefined || !isIgnored(relative(context, file), ignore);
    if (!passes(path)) {
      throw new Error(`COPY ${argument}: .dockerignore keeps ${word} out of the build context`);
    }
    await mkdir(dirname(into), { recursive: true });
    await cp(path, into, { recursive: true, filter: passes });
  }
}

/** A dot at the start of a name is nothing special, unlike in shells. */
function globOf(pattern: string): RegExp {
  const parts = pattern
    .split(/(\*\*\/|\*)/)
    .map((part) => ({ "**/": "(?:.*/)?", "*": "[^/]*" })[part] ?? part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("")}$`);
}

/** Of the patterns that match the path or a directory above it, the last one decides. */
export function isIgnored(path: string, ignore: string): boolean {
  const parts = path.split("/");
  const selfAndAbove = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  const lines = ignore.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.reduce((ignored, line) => {
    const pattern = globOf(line.replace(/^!/, ""));
    return selfAndAbove.some((candidate) => pattern.test(candidate)) ? !line.startsWith("!") : ignored;
  }, false);
}

/** What this machine needs to reach a package registry. */
const MACHINE = /^(HOME|TMPDIR|.*_PROXY|NPM_CONFIG_(REGISTRY|CACHE|CAFILE)|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;

/** With the Node.js that runs the tests first on the PATH, in the place of the base image's. */
async function run(command: string, state: StageState): Promise<void> {
  const kept = Object.entries(process.env).filter(([name]) => MACHINE.test(name));
  const path = `${dirname(process.execPath)}:${process.env.PATH ?? ""}`;
  const env = { ...Object.fromEntries(kept), npm_config_prefer_offline: "true", ...state.env, PATH: path };
  const child = spawn("sh", ["-ec", command], {
    cwd: join(state.root, state.workingDirectory),
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output = `${output}${chunk}`.slice(-8_000);
    });
  }
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`RUN ${command} failed:\n${output}`))));
  });
}

/** Every file below a directory, as paths from it. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}
