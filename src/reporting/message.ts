/** How YAML documents begin: a message that holds what mends it ends with some. */
const MANIFESTS = '\n---\n';

/** What a message says in words, and whether manifests for `kubectl apply` follow in it. */
export function wordsOf(message: string): { words: string; hasManifests: boolean } {
  const end = message.indexOf(MANIFESTS);
  return end < 0
    ? { words: message, hasManifests: false }
    : { words: message.slice(0, end), hasManifests: true };
}
