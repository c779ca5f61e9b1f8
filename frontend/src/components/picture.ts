/** A drawing in SVG as a PNG file, made in the browser: nothing leaves it. */

const SCALE = 2;
const SHOWN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "font-family"];

export interface Caption {
  readonly title: string;
  /** What is measured. */
  readonly unit: string;
  /** Marks beside their names, as the page shows them. */
  readonly legend: readonly Element[];
}

/** Save an SVG element of the page, as it is shown, under its title, unit and legend. */
export async function savePng(svg: SVGSVGElement, caption: Caption, name: string): Promise<void> {
  const { width, height } = svg.getBoundingClientRect();
  const picture = await load(standalone(svg, width, height));
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const page = getComputedStyle(svg);
  const head = 56 + (caption.legend.length > 0 ? 22 : 0);
  canvas.width = width * SCALE;
  canvas.height = (height + head) * SCALE;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = page.getPropertyValue("--reticle-panel") || "white";
  pen.fillRect(0, 0, width, height + head);
  pen.fillStyle = page.color;
  pen.font = `600 16px ${page.fontFamily}`;
  pen.fillText(caption.title, 12, 23);
  pen.font = `13px ${page.fontFamily}`;
  pen.fillText(caption.unit, 12, 44);
  drawLegend(pen, caption.legend, 66);
  pen.drawImage(picture, 0, head, width, height);
  const content = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (content) save(content, name);
}

function drawLegend(pen: CanvasRenderingContext2D, entries: readonly Element[], y: number): void {
  let x = 12;
  for (const entry of entries) {
    const mark = entry.querySelector("line, circle");
    if (!mark) continue;
    const style = getComputedStyle(mark);
    const text = entry.textContent ?? "";
    const ink = pen.fillStyle;
    pen.beginPath();
    if (mark.tagName === "circle") {
      pen.fillStyle = style.fill;
      pen.arc(x + 13, y - 4, 3, 0, 2 * Math.PI);
      pen.fill();
      pen.fillStyle = ink;
    } else {
      pen.strokeStyle = style.stroke;
      pen.lineWidth = 2;
      pen.setLineDash(
        (mark.getAttribute("stroke-dasharray") ?? "").split(" ").filter(Boolean).map(Number),
      );
      pen.moveTo(x, y - 4);
      pen.lineTo(x + 26, y - 4);
      pen.stroke();
    }
    pen.fillText(text, x + 32, y);
    x += 32 + pen.measureText(text).width + 18;
  }
}

/** Colours of the page are variables, which a picture on its own does not know: written out. */
function standalone(svg: SVGSVGElement, width: number, height: number): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const [from, to] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of SHOWN) to[index]?.setAttribute(name, style.getPropertyValue(name));
  });
  return new XMLSerializer().serializeToString(copy);
}

async function load(text: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  return picture;
}

/** Hand content to the person as a file. */
export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken the content by the time the next task runs.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
