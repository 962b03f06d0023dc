export async function load(): Promise<never> {
  throw new Error('x');
}
