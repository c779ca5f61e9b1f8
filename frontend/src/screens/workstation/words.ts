/** A text in which each number stays on the line of its unit. */
export const unbroken = (text: string) => text.replace(/(\d) (mm²|mm|px|HU)/g, "$1\u00a0$2");
