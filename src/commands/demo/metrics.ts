/** What the demonstration reads from a relay's `/metrics`, as an operator would. */
export type SyncFigures = {
  /** Relays that are followed, and that are connected. */
  readonly tracked: number;
  readonly connected: number;
  /** Newly stored events by the way they came. */
  readonly direct: number;
  readonly live: number;
  readonly caughtUp: number;
};

/** Asks a relay for its metrics. */
export async function readFigures(domain: string): Promise<SyncFigures> {
  const answer = await fetch(`http://${domain}/metrics`);
  return parseFigures(await answer.text());
}

/** Reads the figures from the text format of Prometheus; a series that is not there counts as 0. */
export function parseFigures(text: string): SyncFigures {
  const sample = (series: string): number => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  };
  const events = (source: string): number => sample(`ngit_sync_events_total{source="${source}"}`);
  return {
    tracked: sample('ngit_sync_relays_tracked_total'),
    connected: sample('ngit_sync_relays_connected_total'),
    direct: events('direct'),
    live: events('live_sync'),
    caughtUp: events('catchup') + events('daily_catchup'),
  };
}
