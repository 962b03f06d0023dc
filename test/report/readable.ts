/** Texts of the page that are hard to read: their contrast is below 4.5, as WCAG 2.2 AA asks. */
export function unreadableTexts(): string[] {
  const parsed = (colour: string): number[] => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (canvas === null) throw new Error('there is no canvas');
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const known = new Map<string, number[]>();
  const colourOf = (text: string): number[] => {
    const colour = known.get(text) ?? parsed(text);
    known.set(text, colour);
    return colour;
  };
  const background = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = colourOf(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const luminance = (colour: number[]): number => {
    const [red = 0, green = 0, blue = 0] = colour.map((each) => {
      const share = each / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = new Set<string>();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode() !== null) {
    const { parentElement, textContent } = texts.currentNode;
    if (parentElement === null || textContent === null || textContent.trim() === '') continue;
    if (!parentElement.checkVisibility({ visibilityProperty: true })) continue;
    const own = luminance(colourOf(getComputedStyle(parentElement).color));
    const behind = luminance(background(parentElement));
    const contrast = (Math.max(own, behind) + 0.05) / (Math.min(own, behind) + 0.05);
    if (contrast < 4.5) found.add(`${textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return [...found];
}
