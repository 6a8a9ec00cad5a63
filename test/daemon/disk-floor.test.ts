import { pino } from 'pino';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { DiskFloor } from '../../src/daemon/disk-floor.js';
import { StoreError } from '../../src/store/event-store.js';
import { VirtualClock } from '../support/virtual-clock.js';

const floorBytes = 200_000_000;

describe('the floor of free disk space', () => {
  let clock: VirtualClock;
  let registry: Registry;
  let lines: string[];
  let changes: boolean[];
  let free: Record<string, number | Error>;
  let disk: DiskFloor;

  beforeEach(() => {
    clock = new VirtualClock();
    registry = new Registry();
    lines = [];
    changes = [];
    free = { '/events': 300_000_000, '/git': 300_000_000 };
    disk = new DiskFloor({
      space: {
        async freeBytes(path) {
          const bytes = free[path] as number | Error;
          if (bytes instanceof Error) throw bytes;
          return bytes;
        },
      },
      clock,
      logger: pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) }),
      registry,
      paths: ['/events', '/git'],
      floorBytes: () => floorBytes,
    });
    disk.onChange((isLow) => changes.push(isLow));
  });

  const metric = async (name: string) => (await registry.getSingleMetric(name)!.get()).values[0]?.value;

  it('is met when the fuller disk goes below it, and left by itself with a margin', async () => {
    const stop = new AbortController();
    const watching = disk.watch(stop.signal);
    await clock.advance(limits.diskLookIntervalMs);
    expect(disk.isLow).toBe(false);
    expect([disk.hasRoomFor(100_000_000), disk.hasRoomFor(100_000_001)]).toEqual([true, false]);
    disk.take(60_000_000);
    expect([disk.hasRoomFor(40_000_000), disk.hasRoomFor(40_000_001)]).toEqual([true, false]);
    free['/git'] = floorBytes - 1;
    await clock.advance(limits.diskLookIntervalMs);
    expect(disk.isLow).toBe(true);
    expect(await metric('ngit_disk_low')).toBe(1);
    expect(await metric('ngit_disk_free_bytes')).toBe(floorBytes - 1);
    free['/git'] = floorBytes + 1;
    await clock.advance(limits.diskLookIntervalMs);
    expect([disk.isLow, disk.hasRoomFor(0)]).toEqual([true, false]);
    free['/git'] = floorBytes * limits.diskFloorMargin;
    await clock.advance(limits.diskLookIntervalMs);
    expect(await metric('ngit_disk_low')).toBe(0);
    expect(changes).toEqual([true, false]);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'disk is full: no events are taken until there is room; 199 MB are free, --disk-floor-mb is 200',
      'disk has room again: events are taken; 220 MB are free, --disk-floor-mb is 200',
    ]);
    stop.abort();
    await watching;
    expect(clock.timers).toBe(0);
  });

  it('tells a listener at once when it is met already', async () => {
    free['/events'] = 0;
    await disk.look();
    const told: boolean[] = [];
    disk.onChange((isLow) => told.push(isLow));
    expect(told).toEqual([true]);
  });

  it('takes what cannot be told for enough, and says so once', async () => {
    free['/events'] = new Error('no such call');
    await disk.look();
    await disk.look();
    expect(disk.isLow).toBe(false);
    expect(lines).toHaveLength(1);
  });

  it('says of a start that fails that the disk is full, where it is', async () => {
    const error = new StoreError('store_write_failed', 'the store at /events cannot be written');
    expect(disk.explain(error)).toBe(error);
    free['/events'] = 1_000_000;
    await disk.look();
    expect(disk.explain(error)).toMatchObject({
      code: 'disk_full',
      message:
        'the disk of /events or /git is full: 1 MB are free, --disk-floor-mb is 200; the store at /events cannot be written',
    });
    const other = new Error('the port is taken');
    expect(disk.explain(other)).toBe(other);
  });
});
