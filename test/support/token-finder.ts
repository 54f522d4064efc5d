/** Base64 of `{"alg":` and of `{"typ":`: how the header of any JSON Web Token begins. A payload begins with `eyJ` too. */
const TOKEN = /eyJ[A-Za-z0-9_-]{12,}|\bbearer\s+[A-Za-z0-9._~+/-]{8,}/i;

/** The surroundings of something that looks like a token or part of one, without most of it; undefined where there is none. */
export function findToken(text: string): string | undefined {
  const found = TOKEN.exec(text);
  if (found === null) return undefined;
  return `${text.slice(Math.max(0, found.index - 80), found.index)}${found[0].slice(0, 12)}…`;
}
