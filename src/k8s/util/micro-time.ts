/** metav1.MicroTime of a time in milliseconds since the epoch. The API server takes six digits, no more and no fewer. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/Z$/, '000Z');
}
