import type { Page } from 'playwright-core';

/** What WCAG 2.2 asks of body text at level AA. */
const LEAST = 4.5;

/** Texts whose colour is too near to what is behind them, by the WCAG's formula. */
export function lowContrasts(page: Page): Promise<{ checked: number; low: string[] }> {
  return page.evaluate<{ checked: number; low: string[] }>(`(() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let node = element; node !== null; node = node.parentElement) {
        const colour = getComputedStyle(node).backgroundColor;
        const [, , , alpha = 1] = channels(colour);
        if (alpha > 0) return colour;
      }
      return 'rgb(255, 255, 255)';
    };
    let checked = 0;
    const low = [];
    for (const element of document.querySelectorAll('body *')) {
      const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
      if (text === '' || !element.checkVisibility() || ['SCRIPT', 'OPTION'].includes(element.tagName)) continue;
      checked += 1;
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < ${LEAST}) low.push(text.slice(0, 40) + ': ' + contrast.toFixed(2));
    }
    return { checked, low };
  })()`);
}
