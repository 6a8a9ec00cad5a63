import type { AdviceSection } from './advice.js';

/** Sync, admission and the relay's clients. */
export const syncAdvice: readonly AdviceSection[] = [
  {
    title: 'Sync relays',
    advice: {
      ngit_sync_relays_tracked_total:
        'Falls to 0: no announcement names another relay and no bootstrap relay is set. Set `--sync-bootstrap-relay-url`.',
      ngit_sync_relays_connected_total:
        '0 while some are tracked: look at network, DNS and proxy of this machine first, then at `graspd relays`.',
      ngit_sync_relays_dead_total:
        'A few are usual, for announcements name relays that are long gone. Most at once: the cause is here, as above.',
      ngit_sync_relay_connected:
        'One at 0 for long: `graspd relays` says why and when it is tried next. `graspd sync RELAY` tries at once.',
      ngit_sync_relay_status:
        'backoff: wait, it is tried again. dead: tried once a day; if it is gone for good, take it out of `--sync-bootstrap-relay-url`.',
      ngit_sync_relay_failures:
        'Grows without end for one relay: it is down, or refuses this daemon; its log lines have the reason.',
      ngit_sync_connection_attempts_total:
        'Many failures of all relays: the network here. Many successes of one relay: it hangs up again and again; the log says with what words.',
      ngit_sync_live_filters:
        'Nothing by itself; it grows with the repositories. 0 while relays are connected: nothing is subscribed to yet.',
    },
  },
  {
    title: 'Catch-up and completeness',
    advice: {
      ngit_sync_events_total:
        'Nothing stored for long while relays are connected and people work: look at `ngit_admission_events_total` for what becomes of events.',
      ngit_sync_gap_events_total:
        'Some after a reconnect are usual. Every hour from one relay: it drops live events; nothing is lost, but comes late. Tell its operator.',
      ngit_sync_catchup_completed_timestamp_seconds:
        'Older than a day and an hour, or missing for a relay that is connected: catch-up with it does not end; `graspd relays` says what it waits for.',
      ngit_sync_catchup_duration_seconds:
        'Grows with what there is to compare. A jump without more events: the relay is slow, or has no negentropy any more.',
      ngit_sync_deep_seconds_total:
        'Above 0: this relay has seconds with more events than it gives out at once, and no negentropy. Sync with another relay that has the same repositories.',
      ngit_sync_negentropy_rounds_total: 'Nothing by itself; it tells how much of catch-up is by negentropy.',
      ngit_sync_transferred_bytes_total:
        'Far above what is stored: a relay sends what is not asked for, or is reconnected to all the time.',
      ngit_sync_unasked_messages_total:
        'Some are usual (NOTICE, AUTH). Many: a relay is broken; the log names it.',
      ngit_sync_queued_bytes:
        'High for long: events come faster than they are checked and stored. See `ngit_admission_write_seconds`, and give more `--verify-workers`.',
      ngit_sync_memory_bytes:
        'Bounded. At its bound for long, sync waits, and so is slow: it is a matter of the disk or the CPU, as above.',
      ngit_sync_queued_topics:
        'High at the start. Does not fall: catch-up does not get on; look at `graspd relays`.',
      ngit_sync_queued_downloads:
        'High at the start. Does not fall: relays do not give what they say they have.',
    },
  },
  {
    title: 'Admission',
    advice: {
      ngit_admission_events_total:
        'By source and outcome. Much `refused` from sync is usual: relays have much that is not for here. `invalid` means forged: see who sends it in the log.',
      ngit_admission_event_failures_total: 'Above 0 is a fault of graspd: report it with the log line.',
      ngit_admission_write_seconds:
        'Above a second: the disk is slow or busy; move the data, or see `--durability`.',
      ngit_admission_queued_events:
        'High for long: the CPU does not keep up with signatures; give more `--verify-workers`.',
      ngit_admission_hot_bytes:
        'Nothing: refused events at hand for `--rejected-hot-cache-duration-secs`, bounded.',
    },
  },
  {
    title: 'Relay clients',
    advice: {
      ngit_relay_connections:
        'Near `--max-connections`: raise that, and the limit of open files with it; or see who connects, in the log of the proxy.',
      ngit_relay_subscriptions: 'Nothing by itself; it is bounded for each connection.',
      ngit_relay_negentropy_sessions: 'Nothing by itself; those of other relays that sync from here.',
      ngit_relay_query_seconds:
        'Slow for most: the CPU is busy (see the event loop), or clients read slowly, whose time counts.',
      ngit_relay_deliveries_total: 'Nothing by itself; it tells how much live traffic there is.',
      ngit_relay_events_total:
        'Much refused or invalid: somebody tries out the relay; limits hold. Real users refused: the reason that they were told says which option.',
      ngit_relay_requests_total:
        'A surge: see `ngit_address_limited_total`; limit addresses at the proxy if need be.',
      ngit_relay_clients_dropped_total:
        'full: raise `--max-connections`. memory: raise `--client-memory-max-mb`. slow, silent, violations: theirs. fault: ours, report it.',
      ngit_relay_bytes_total: 'Nothing by itself; compare it with what the network may cost.',
      ngit_relay_client_memory_bytes:
        'Near `--client-memory-max-mb`: those who hold most are dropped. Raise it if these are real users.',
      ngit_address_limited_total:
        'Real users behind one address (an office, a proxy): set `--trusted-proxy`, or raise `--address-connections` and `--address-events-per-minute`.',
    },
  },
];
