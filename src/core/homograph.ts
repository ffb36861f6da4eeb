/**
 * Scripts in customary modern use (UAX #31 table 5). A label of any other script is refused: nobody reads it, so nobody
 * notices what it imitates.
 */
const SCRIPTS = [
  "Cyrillic",
  "Greek",
  "Armenian",
  "Georgian",
  "Hebrew",
  "Arabic",
  "Thaana",
  "Devanagari",
  "Bengali",
  "Gurmukhi",
  "Gujarati",
  "Oriya",
  "Tamil",
  "Telugu",
  "Kannada",
  "Malayalam",
  "Sinhala",
  "Thai",
  "Lao",
  "Tibetan",
  "Myanmar",
  "Khmer",
  "Ethiopic",
  "Han",
] as const;

/**
 * Latin letters of living alphabets, and the accents that are written over and under them. Phonetic notation and other leftovers
 * of the script are not among them: most of it imitates an ordinary letter (ɡ, ɑ, ɩ, ᴘ, a dot over i).
 */
const LATIN =
  "a-z\u00b7\u00df-\u00f6\u00f8-\u0137\u0139-\u0148\u014a-\u017e\u0199\u01a1\u01b0\u01b4\u01cd-\u01dc\u01e6-\u01ed\u01f4\u01f5" +
  "\u01f8-\u021b\u021e\u021f\u0226-\u0233\u0253\u0254\u0256\u0257\u0259\u025b\u1e00-\u1e99\u1ea0-\u1ef9" +
  "\u0300-\u0304\u0306\u0308-\u030c\u0323-\u0328\u032d\u032e\u0330\u0331";

/** The mixtures that UTS #39 calls highly restrictive: Japanese, Chinese with phonetic signs, Korean, each with Latin. */
const MIXTURES = [
  [LATIN, "Han", "Hiragana", "Katakana"],
  [LATIN, "Han", "Bopomofo"],
  [LATIN, "Han", "Hangul"],
] as const;

const PROFILES: readonly RegExp[] = [[LATIN], ...SCRIPTS.map((script) => [script]), ...MIXTURES].map(writtenIn);

/** Signs of East Asian scripts that pass for '/', '-', '.', '|' or '=' between Latin letters. */
const STROKES =
  "\u30fb\u30fc\u4e00\u30ce\u30bd\u30be\u30f3\u3078\u30d8\u4e3f\u4e40\u4e36\u4e28\u4e85\u3127\u311f\u4e8c\u30cb\u3007";
const EAST_ASIAN = "\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Bopomofo}\\p{scx=Hangul}";
/** A run of such signs that no other letter of their script stands beside. */
const STRAY_STROKES = new RegExp(
  `(?<![[${EAST_ASIAN}]--[${STROKES}\u00b7]]|[${STROKES}])[${STROKES}]+(?![[${EAST_ASIAN}]--[${STROKES}\u00b7]]|[${STROKES}])`,
  "v",
);

/** Which letters of another alphabet look like Latin ones in common typefaces, and where that alphabet is at home. */
interface LookAlikes {
  /** A label made of these alone passes for a Latin word. */
  readonly exact: string;
  /** Less alike: a label of these and the exact ones is refused when it has a letter that few languages of the script use. */
  readonly near: string;
  readonly rare: string;
  /** Top-level domains where the alphabet is what people expect. */
  readonly home: readonly string[];
}

const LOOK_ALIKES: readonly LookAlikes[] = [
  {
    exact: "аӓеёоӧрсухѕіїјһӏԁԛԝѵѡҽүꙇ",
    near: "кгпъьыюԍԗ",
    rare: "ѕіїјһӏԁԛԝѵѡҽүꙇԍԗ",
    home: ["ru", "su", "ua", "by", "bg", "rs", "me", "mk", "kz", "kg", "mn", "tj", "uz"],
  },
  { exact: "αικνορυτωγ", near: "", rare: "", home: ["gr", "cy"] },
  { exact: "ագզէլհյոռսցւքօ", near: "", rare: "", home: ["am"] },
  { exact: "იოყძხჽჿ", near: "", rare: "", home: ["ge"] },
];

const IMITATIONS = LOOK_ALIKES.map(({ exact, near, rare, home }) => ({
  home,
  exactly: new RegExp(`^[${exact}0-9-]+$`, "u"),
  nearly: rare === "" ? undefined : new RegExp(`^(?=.*[${rare}])[${exact}${near}0-9-]+$`, "u"),
}));

const ASCII = /^[a-z0-9-]+$/;
/** Languages that have i without a dot. To everybody else it is an i. */
const DOTLESS_I_HOME = ["tr", "az"];

/**
 * Why the name could be taken for another one, or undefined. `unicode` is a lower-case, mapped U-label name.
 * UTS #39 "highly restrictive" per label, with letters of living alphabets only, and whole labels of Latin look-alikes under a
 * top-level domain where their alphabet is not at home.
 */
export function homographRisk(unicode: string): string | undefined {
  const labels = unicode.split(".");
  const topLevel = labels.at(-1) ?? "";
  for (const label of labels) {
    const risk = ASCII.test(label) ? undefined : labelRisk(label, topLevel);
    if (risk !== undefined) return risk;
  }
  return undefined;
}

function labelRisk(label: string, topLevel: string): string | undefined {
  if (!PROFILES.some((profile) => profile.test(label))) {
    const letter = /^[\p{scx=Latin}\p{scx=Inherited}0-9-]+$/u.test(label) ? strangeLetter(label) : undefined;
    return letter === undefined
      ? `its part '${label}' mixes alphabets`
      : `its part '${label}' has '${letter}', which is easily taken for another letter`;
  }
  const stroke = /[a-z0-9]/.test(label) ? STRAY_STROKES.exec(label)?.[0] : undefined;
  const dot = /(?<!l)\u00b7|\u00b7(?!l)/u.exec(label)?.[0];
  const sign = stroke ?? dot;
  if (sign !== undefined) return `its part '${label}' has '${sign}' where it is easily taken for another sign`;
  if (label.includes("\u0131") && !DOTLESS_I_HOME.includes(topLevel))
    return `its part '${label}' has '\u0131', which is easily taken for 'i'`;
  const bare = label.replace(/\p{Mn}/gu, "");
  const imitates = ({ home, exactly, nearly }: (typeof IMITATIONS)[number]): boolean =>
    ASCII.test(topLevel) && !home.includes(topLevel) && (exactly.test(bare) || nearly?.test(bare) === true);
  return IMITATIONS.some(imitates) ? `its part '${label}' looks like a word in Latin letters` : undefined;
}

function strangeLetter(label: string): string | undefined {
  const ordinary = writtenIn([LATIN]);
  return [...label].find((letter) => !ordinary.test(letter));
}

function writtenIn(scripts: readonly string[]): RegExp {
  const members = scripts.map((script) => (script === LATIN ? LATIN : `\\p{Script_Extensions=${script}}`));
  return new RegExp(`^[0-9${members.join("")}-]+$`, "u");
}
