/** Of a list that need not be in order; with an even count the mean of the two in the middle. Throws on an empty one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Where a share of the values (0 to 1) lies below, with straight lines between neighbours. Throws on an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('no values');
  return below + (above - below) * (position - Math.floor(position));
}

/** The half of the values in the middle: where it begins and ends. */
export function middleHalf(values: readonly number[]): readonly [number, number] {
  return [quantile(values, 0.25), quantile(values, 0.75)];
}
