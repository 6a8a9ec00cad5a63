// Keeps the status page up to date and draws its charts. Without it the page is complete, as it was when it was loaded.
const token = new URLSearchParams(location.search).get('token');
const withToken = (path) => (token === null ? path : `${path}?token=${encodeURIComponent(token)}`);
const live = document.getElementById('live');

/** A colour of the style sheet, as it is in this theme. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const lineColours = ['--line-1', '--line-2', '--line-3'];

const number = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const textOf = { events: (value) => number.format(value), bytes: (value) => `${number.format(value)}B` };

/** A series without a value has a gap there. */
const shown = (unit) => (_plot, value) => (value === null || value === undefined ? '–' : textOf[unit](value));

const chartHeight = 180;

/** All times, but an hour at least: uPlot would show the first minute among years. */
function rangeOfTimes({ data: [times] }) {
  const last = times[times.length - 1];
  return [Math.min(times[0], last - 3600), last];
}

function optionsOf({ unit, labels }, width) {
  const axis = {
    stroke: colour('--soft'),
    grid: { stroke: colour('--edge') },
    ticks: { stroke: colour('--edge') },
  };
  return {
    width,
    height: chartHeight,
    tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: {
      x: { range: rangeOfTimes },
      y: { range: (_plot, _least, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
    },
    axes: [axis, { ...axis, size: 56, values: (_plot, ticks) => ticks.map(textOf[unit]) }],
    legend: { live: true },
    series: [
      { value: '{HH}:{mm}' },
      ...labels.map((label, index) => ({
        label,
        stroke: colour(lineColours[index]),
        width: 2,
        value: shown(unit),
      })),
    ],
  };
}

/** Draws all charts, and again when the theme or the width changes. */
function drawCharts({ stepSeconds, series }, times) {
  const valuesOf = new Map(series.map(({ name, values }) => [name, values]));
  const charts = [...document.querySelectorAll('.chart')].map((element) => ({
    element,
    unit: element.dataset.unit,
    names: element.dataset.series.split(' '),
    labels: element.dataset.labels.split('|'),
  }));
  const dataOf = ({ names }) => [times, ...names.map((name) => valuesOf.get(name) ?? [])];
  const draw = (chart) => {
    chart.plot?.destroy();
    chart.element.closest('figure').hidden = false;
    chart.plot = new window.uPlot(optionsOf(chart, chart.element.clientWidth), dataOf(chart), chart.element);
  };
  charts.forEach(draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.forEach(draw));
  const observer = new ResizeObserver(() => {
    for (const { element, plot } of charts) plot.setSize({ width: element.clientWidth, height: chartHeight });
  });
  observer.observe(document.getElementById('charts'));

  /** Takes the running minute, which may be a new one. */
  return ({ end, values }) => {
    const last = times.length - 1;
    if (times[last] !== end) {
      times.push(end);
      const isFull = times.length > (24 * 3600) / stepSeconds + 1;
      if (isFull) times.shift();
      for (const { values: all } of series) {
        all.push(0);
        if (isFull) all.shift();
      }
    }
    series.forEach(({ values: all }, index) => {
      all[all.length - 1] = values[index];
    });
    for (const chart of charts) chart.plot.setData(dataOf(chart));
  };
}

async function showCharts() {
  const response = await fetch(withToken('/status.json'));
  if (!response.ok) return () => {};
  const { throughput } = await response.json();
  const { stepSeconds, end, series } = throughput;
  const count = series[0].values.length;
  const times = Array.from({ length: count }, (_, index) => end - (count - 1 - index) * stepSeconds);
  return drawCharts(throughput, times);
}

function follow(takeMinute) {
  const source = new EventSource(withToken('/status/events'));
  source.addEventListener('open', () => {
    live.textContent = 'Kept up to date.';
  });
  source.addEventListener('error', () => {
    const isOver = source.readyState === EventSource.CLOSED;
    live.textContent = isOver
      ? 'Not kept up to date: too many have it open. Load it again to see what is new.'
      : 'Not up to date: the connection broke, and is tried again.';
  });
  source.addEventListener('parts', ({ data }) => {
    for (const [id, html] of Object.entries(JSON.parse(data))) {
      const element = document.getElementById(id);
      if (element !== null && element.innerHTML !== html) element.innerHTML = html;
    }
  });
  source.addEventListener('minute', ({ data }) => takeMinute(JSON.parse(data)));
}

follow(await showCharts());
