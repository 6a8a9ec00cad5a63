import { axesOf, type Chart } from './growth.js';
import { formatTime } from './report.js';

const width = 720;
const height = 440;
const margin = { left: 80, right: 130, top: 40, bottom: 50 };
const colours = ['#0b6e4f', '#c1666b', '#4a6fa5', '#8d6a9f', '#b08900', '#444444'];

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const text = (x: number, y: number, anchor: string, content: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;

/** The chart as an SVG document: time over n, both logarithmic, a line for each contender. */
export function drawSvg(chart: Chart): string {
  const { decadesN, decadesNs, place } = axesOf(chart);
  const at = (n: number, ns: number): readonly [number, number] => {
    const [x, y] = place(n, ns);
    return [
      margin.left + x * (width - margin.left - margin.right),
      height - margin.bottom - y * (height - margin.top - margin.bottom),
    ];
  };
  const grid = (from: readonly [number, number], to: readonly [number, number]): string =>
    `<path d="M${from.map((each) => each.toFixed(1)).join(' ')}L${to.map((each) => each.toFixed(1)).join(' ')}" stroke="#ddd"/>`;
  const [firstN, lastN] = [decadesN[0]!, decadesN.at(-1)!];
  const [firstNs, lastNs] = [decadesNs[0]!, decadesNs.at(-1)!];
  const body = [
    ...decadesN.flatMap((n) => {
      const [x, y] = at(n, firstNs);
      return [grid([x, y], at(n, lastNs)), text(x, y + 18, 'middle', n.toLocaleString('en'))];
    }),
    ...decadesNs.flatMap((ns) => {
      const [x, y] = at(firstN, ns);
      return [grid([x, y], at(lastN, ns)), text(x - 8, y + 4, 'end', formatTime(ns))];
    }),
    ...chart.lines.flatMap(({ contender, points }, index) => {
      const colour = colours[index % colours.length]!;
      const places = points.map(({ n, ns }) => at(n, ns));
      const path = places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
      const dots = places.map(
        ([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`,
      );
      const [endX, endY] = places.at(-1)!;
      const line = `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`;
      return [line, ...dots, text(endX + 10, endY + 4, 'start', contender)];
    }),
    text(margin.left, 22, 'start', chart.title),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${body.join('\n')}
</svg>
`;
}
