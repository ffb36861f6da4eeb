import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BINARY_NAMES } from "./binaries.ts";
import { goBuild } from "./go-build.ts";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "go-build-"));
  await mkdir(join(home, "out"));
});

afterEach(() => rm(home, { recursive: true }));

test("builds the packages of all names with their version, and says how far it is", async () => {
  await goCommand(`
    case $1 in
      list) echo one; echo two ;;
      build)
        echo "$@" > ${home}/arguments
        echo k8s.io/kubernetes/cmd/kubectl >&2
        for name in server kube-apiserver kube-controller-manager kubectl; do : > ${home}/out/$name; done ;;
    esac`);
  const progress: string[] = [];
  await build((line) => progress.push(line));

  expect((await readdir(join(home, "out"))).sort()).toEqual([...BINARY_NAMES].sort());
  const command = await readFile(join(home, "arguments"), "utf8");
  expect(command).toContain("-X k8s.io/component-base/version.gitVersion=v1.99.7 -X k8s.io/component-base/version.gitMajor=1");
  expect(command).toContain(`-o ${home}/out/ go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver`);
  expect(progress[0]).toBe("building etcd, kube-apiserver, kube-controller-manager, kubectl: 0 s, fetching Go modules");
  expect(progress.at(-1)).toMatch(/^built etcd, .* in \d+ s$/);
});

test("a failing build is an error with what Go said", async () => {
  await goCommand("echo no space left on device >&2; exit 1");
  await expect(build()).rejects.toThrow("go list failed:\nno space left on device");
});

async function goCommand(script: string): Promise<void> {
  await mkdir(join(home, "bin"));
  await writeFile(join(home, "bin", "go"), `#!/bin/sh\n${script}\n`);
  await chmod(join(home, "bin", "go"), 0o755);
}

function build(onProgress: (line: string) => void = () => {}): Promise<void> {
  return goBuild({
    dir: join(home, "out"),
    names: BINARY_NAMES,
    versions: { kubernetes: "v1.99.7", etcd: "v3.9.9" },
    platform: { os: "linux", arch: "amd64" },
    env: { ...process.env, PATH: [join(home, "bin"), process.env.PATH].join(delimiter) },
    onProgress,
  });
}
