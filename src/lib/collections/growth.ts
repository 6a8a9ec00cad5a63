/**
 * How much a figure has grown since it was last looked at, for counters that follow a figure of somebody else: never a
 * negative number, for not every such figure only grows (`bytesWritten` falls when a socket is destroyed before all has
 * left it).
 */
export class Growth {
  #seen = 0;

  /** What `figure` is above all that was seen of it before. */
  since(figure: number): number {
    if (!(figure > this.#seen)) return 0;
    const grown = figure - this.#seen;
    this.#seen = figure;
    return grown;
  }
}
