/**
 * Scripts in customary modern use (UAX #31 table 5). A label of any other script is refused: nobody reads it, so nobody
 * notices what it imitates.
 */
const SCRIPTS = [
  "Latin",
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

/** The mixtures that UTS #39 calls highly restrictive: Japanese, Chinese with phonetic signs, Korean, each with Latin. */
const MIXTURES = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
] as const;

const PROFILES: readonly RegExp[] = [...SCRIPTS.map((script) => [script]), ...MIXTURES].map(writtenIn);

/**
 * Letters that look like Latin ones in common typefaces. A label made of them alone passes for a Latin word, which is what
 * browsers refuse to show under a Latin top-level domain too.
 */
const LATIN_LOOK_ALIKES = /^[аԁеһіјӏорԛѕԝхуъьвмнкгптαικνορυτωյոսզցհք0-9-]+$/u;

const ASCII_LETTERS = /^[a-z0-9-]+$/;

/**
 * Why the name could be taken for another one, or undefined. `unicode` is a lower-case, mapped U-label name.
 * UTS #39 "highly restrictive" per label, and whole labels of Latin look-alikes under an ASCII top-level domain.
 */
export function homographRisk(unicode: string): string | undefined {
  const labels = unicode.split(".");
  const topLevel = labels.at(-1) ?? "";
  for (const label of labels) {
    if (ASCII_LETTERS.test(label)) continue;
    if (!PROFILES.some((profile) => profile.test(label))) return `its part '${label}' mixes alphabets`;
    if (ASCII_LETTERS.test(topLevel) && LATIN_LOOK_ALIKES.test(label))
      return `its part '${label}' looks like a word in Latin letters`;
  }
  return undefined;
}

function writtenIn(scripts: readonly string[]): RegExp {
  return new RegExp(
    `^[${["Common", "Inherited", ...scripts].map((script) => `\\p{Script_Extensions=${script}}`).join("")}]+$`,
    "u",
  );
}
