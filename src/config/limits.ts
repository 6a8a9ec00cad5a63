/**
 * Every fixed limit of the daemon, in one place, with its unit in its name. `docs/limits.md` is generated from this
 * file: the comment of an entry is its description. Limits that the operator may change are options (`options.ts`).
 */
export const limits = {
  // JSON of strangers
  /** Deepest nesting of arrays and objects; an event in its message has four. */
  jsonDepthMax: 16,
  /** Most objects in one text; a REQ has one for each filter. */
  jsonObjectsMax: 256,
  /** Most arrays in one text; an event has one for each tag. */
  jsonArraysMax: 24_576,
  /** Most fields of all objects in one text. */
  jsonFieldsMax: 4_096,

  // Events and filters
  /**
   * Most tags of one event: so many are parsed in less than 10 ms, and a state of the most refs fits.
   * Real events have some hundred, lists of a whole life 1,500.
   */
  eventTagsMax: 20_100,
  /** Most values in one list of a filter. */
  filterListItemsMax: 5_000,
  /** Most values in all lists of a filter together. */
  filterValuesMax: 10_000,
  /** Most characters of a URL in an event or a setting. */
  urlCharsMax: 1_024,
  /** Most clone URLs, and most relays, of one announcement: each is read as a URL several times. */
  announcementValuesMax: 200,
  /** Most maintainers of one announcement: all of them stay in memory. */
  announcementMaintainersMax: 100,
  /** Most filters in one REQ, COUNT or NEG-OPEN. */
  requestFiltersMax: 20,
  /** Most characters of a subscription id. */
  subscriptionIdCharsMax: 250,

  // Kernels
  /** Most different values that open filters ask for. */
  kernelSymbolsMax: 8_388_608,

  // Negentropy (NIP-77)
  /** Least frame limit that reconciliation works with. */
  negentropyFrameBytesMin: 4_096,
  /** Longest negentropy message that is read, in bytes (its hex has twice as many characters). */
  negentropyMessageBytesMax: 1_100_000,
  /** Ranges of one negentropy message that are dealt with, in one turn: those behind them count as put off. */
  negentropyMessageRangesMax: 16_384,
  /** Rounds of one exchange that are allowed before the first id is learned; each learned id allows one more. */
  negentropyRoundsBase: 512,
  /** Rounds in a row in which a peer may answer nothing of what it was asked. */
  negentropyStalledRoundsMax: 3,
  /** Most ranges of one exchange that wait to be asked about. */
  negentropyOpenRangesMax: 262_144,

  // Local sets of reconciliation
  /** Most sets that follow the store by themselves. */
  liveSetsMax: 16,
  /** Least records of a set that is worth that. */
  liveSetRecordsMin: 1_000,
  /** Share of the kernels' memory that live sets may take. */
  liveSetsMemoryShareMax: 0.5,
  /** Changes of a set while it is made, in turns, that are made up for; with more it is made again, in one turn. */
  localSetChangesMax: 16_384,
  /** Most filters that are remembered as asked for once; the second time their sets stand. */
  liveSetCandidatesMax: 256,

  // Admission
  /** Bytes of events that wait for verification in one lane, above which its producers wait. */
  verificationLaneBytesHigh: 16_777_216,
  /** Bytes of a lane below which its producers go on. */
  verificationLaneBytesLow: 8_388_608,
  /** Most events that wait in one lane before its producers wait. */
  verificationLaneEventsMax: 16_384,
  /** Bytes of events that wait for their write and announcement above which no more are verified, so that the lanes fill. */
  writingBytesMax: 16_777_216,
  /**
   * The same for events of other relays: what clients publish is written behind all that was put before. Two or three writes of
   * the store are enough to keep the disk busy.
   */
  writingRemoteBytesMax: 1_048_576,
  /** Most events of one batch for a verification worker. */
  verificationBatchEventsMax: 128,
  /**
   * Events up to which what other relays sent fills a batch: a client's event waits for the batch that it is in, and for those
   * before it. 32 take a thread some 10 ms where signatures are checked by WASM.
   */
  verificationRemoteBatchEventsMax: 32,
  /** Bytes of events above which a batch for a verification worker takes no more. */
  verificationBatchBytesMax: 524_288,
  /**
   * Milliseconds of a minute in which the main thread itself checks what clients publish, where few do: 15 % of the time. A thread
   * and back takes two turns of a busy event loop, and a check 0.05 ms (0.5 where there is WASM alone).
   */
  promptCheckMsPerMinute: 9_000,
  /** The same of one moment. */
  promptCheckMsAtOnce: 15,
  /** Batches for each verification worker: one in hand and one waiting, so that none idles. */
  verificationBatchesPerWorker: 2,
  /** MB of the heap of one verification worker; a batch takes a few. */
  verificationWorkerHeapMbMax: 128,
  /** Verified events of clients, or of all others, that wait for their decision, above which no more of these are verified. */
  judgedEventsMax: 256,
  /** What a turn of the event loop should take while work goes on that can wait. */
  loopTurnMs: 12,
  /** The least of a turn that such work of one kind may take, as what other relays send, whatever else goes on. */
  backgroundSliceMsMin: 2,
  /** The most of a turn that it may take. */
  backgroundSliceMsMax: 6,
  /** Most bytes of refused events that are kept at hand, to be tried again. */
  hotCacheBytesMax: 33_554_432,
  /** Interval at which expired events and old refusals are removed. */
  expirySweepIntervalMs: 60_000,
  /** Events that expired and are taken out of all answers in one go; of more the rest follows in the next turns. */
  expiredHiddenAtOnceMax: 10_000,
  /** Events that left the store by themselves, as what expired, of which all are told at once. */
  departuresToldAtOnceMax: 256,
  /** Interval at which the free space of the disks is looked at: far less is written in it than the floor leaves. */
  diskLookIntervalMs: 2_000,
  /** How many times the floor has to be free again before events are taken again. */
  diskFloorMargin: 1.1,
  /** Files that can still be made on a disk, or, where it can have few, the share of them, below which it counts as full. */
  diskFilesFreeMin: 5_000,
  /** The share. */
  diskFilesFreeShareMin: 0.01,
  /** Events of other relays, dated too far ahead, that are remembered to be asked for when their time has come. */
  earlyEventsMax: 10_000,
  /** Events of other relays, refused for a quota, that are remembered to be asked for when there is room for them. */
  waitingForRoomEventsMax: 20_000,
  /** Events in a row that one relay sent and that made policy, store or verifier fail, before it is let go. */
  remoteFailedEventsMax: 10,
  /**
   * Rows of the index that are looked at, in the turn in which an event is accepted, for refused events that it brings back for
   * another try; where there are more, all are looked for in later turns.
   */
  revivedRowsMax: 10_000,
  /** The same of a turn after that. */
  revivedRowsAtOnceMax: 1_000,

  // Relay: one client
  /** Longest message of a client, in bytes; a longer one ends the connection (close code 1009). */
  clientMessageBytesMax: 1_200_000,
  /** Events of one client that wait for their outcome; above it, its socket is not read. */
  clientEventsInFlightMax: 1_024,
  /** Bytes of the messages that carried those events; above it, the client's socket is not read. */
  clientEventsInFlightBytesMax: 8_388_608,
  /**
   * How far ahead of our clock the `created_at` of an event may be, in seconds, whoever sends it. A later one would lead every
   * newest-first answer; clocks that are merely wrong are no reason to lose work.
   */
  createdAtAheadSecondsMax: 86_400,
  /** Most open subscriptions of one client. */
  clientSubscriptionsMax: 500,
  /**
   * Characters of a message of a client from which it waits for a turn in which it is read, its filters one by one; and of
   * messages that wait to be read, above which its socket is not.
   */
  clientLongMessageChars: 16_384,
  /**
   * Values of an event from which its sender has to have work left in its budget before the event is read: parsing, checking
   * and indexing it cannot be divided.
   */
  clientCostlyEventValues: 2_000,
  /**
   * Messages in a minute that cannot be read, of one client or of all clients of one address together, above which the connection
   * is ended that sends one more. Shown by `ngit_relay_clients_dropped_total`.
   */
  clientViolationsPerMinuteMax: 600,
  /** Bytes of those messages. Shown by `ngit_relay_clients_dropped_total`. */
  clientViolationBytesPerMinuteMax: 8_388_608,
  /** Time that the event loop spends on reading them, in milliseconds. Shown by `ngit_relay_clients_dropped_total`. */
  clientViolationMsPerMinuteMax: 1_000,
  /** Messages above a rate, which are refused, that count as one that cannot be read: who is over by a little is only told. */
  clientRefusalsPerViolation: 16,
  /** Bytes that are read of a client's socket before others have their turn. */
  clientPieceBytes: 8_192,
  /**
   * Pings and pongs of one client in a minute above which its connection is ended. Shown by
   * `ngit_relay_clients_dropped_total`.
   */
  clientPingsPerMinuteMax: 600,
  /** REQs of one client whose stored events are read at the same time; more wait for their turn. */
  clientQueriesRunningMax: 8,
  /** Requests of one client that wait for their turn; above it, its socket is not read. */
  clientRequestsQueuedMax: 64,
  /** Characters of the requests of one client that wait for their turn; above it, its socket is not read. */
  clientRequestsQueuedCharsMax: 2_400_000,
  /**
   * Work that one client may cause in a second, in units of a tenth of a microsecond or so (`relay/work-budget.ts`); what
   * it asks beyond that waits behind what others ask. Means of one run over 20,000 events of 1 KB: a unit of index work
   * takes 0.02 to 0.1 µs, an event that is sent from memory about 1 µs, one that is read from disk 5 to 14 µs.
   */
  clientWorkUnitsPerSecond: 200_000,
  /** Work that a client which asked for nothing for a while may cause at once, and work beyond its budget that counts. */
  clientWorkUnitsMax: 400_000,
  /** Events that a filter without `limit` is answered with. */
  filterEventsDefault: 500,
  /** Most events that one filter is answered with. */
  filterEventsMax: 5_000,
  /** Live events that one subscription holds back while its stored events are sent. */
  liveBufferEventsMax: 5_000,
  /** Characters of those events; above it, the subscription is closed. */
  liveBufferCharsMax: 2_097_152,
  /** Bytes of frames that are put together for one write to a client. */
  sendBlockBytes: 65_536,
  /** Blocks of memory for that which are kept for the next writes: of the clients that are answered in one turn. */
  sendBlocksKeptMax: 16,
  /**
   * Bytes of the frames of one live event that are kept for other subscriptions of the same ids: of the longest event there is
   * room for one, which is enough where all subscriptions have the same id. Others have frames of their own.
   */
  sharedFrameBytesMax: 2_097_152,
  /** Bytes that wait to be sent to one client above which its socket is not read and its queries pause. */
  clientSendBytesHigh: 524_288,
  /** Bytes that wait to be sent to one client at which its queries go on. */
  clientSendBytesLow: 131_072,
  /** Bytes that wait to be sent to one client above which it is dropped. */
  clientSendBytesMax: 8_388_608,
  /**
   * How long bytes may wait without any of them leaving before the client is dropped. Shown by
   * `ngit_relay_clients_dropped_total`.
   */
  clientSendStalledMsMax: 60_000,
  /** Time between two pings of a client; one that was silent since the last one is dropped. */
  clientPingIntervalMs: 30_000,
  /** Open negentropy sessions of one client; more wait. */
  clientNegentropySessionsMax: 16,
  /** Negentropy sessions of one client that wait. */
  clientNegentropyWaitingMax: 128,

  /** Share of `--client-memory-max-mb` that one client may hold. Shown by `ngit_relay_client_memory_bytes`. */
  clientMemoryShareMax: 0.125,
  /**
   * Share of `--client-memory-max-mb` that the clients of one address may hold together. Shown by
   * `ngit_relay_client_memory_bytes`.
   */
  addressMemoryShareMax: 0.5,
  /** Memory that a piece of what was read, or of what waits to be written, is taken to need beside its bytes. */
  socketChunkBytes: 640,
  /** Most fragments of one message. */
  messageFragmentsMax: 1_024,

  /** Age of a client's AUTH event, and how far it may be ahead of our clock, in seconds (NIP-42). */
  authAgeSecondsMax: 600,
  /** Keys as which one connection may authenticate. */
  clientPubkeysMax: 16,

  // Relay: all clients
  /** Bytes of a message from which it is compressed, where compression is on. */
  compressionThresholdBytes: 1_024,
  /** Time for which clients are read, and as much for which their requests are started, before the event loop does something else. */
  requestSliceMs: 5,
  /** Work, in the same units, after which a request, or taking out filters that were closed, leaves the turn to the event loop. */
  requestTurnUnits: 30_000,
  /** Pause before live events are handed out, in which whoever published them gets to read the `OK`. */
  deliveryPauseMs: 1,
  /**
   * Time for which live events are put into the send queues of subscribers before the event loop does something else. The
   * writes that follow, one for each client, take several times as long.
   */
  deliverySliceMs: 2,
  /**
   * Live events that wait to be handed out to the subscriptions of one address; above it, some of the oldest is handed out before
   * anything else is done.
   */
  deliveryEventsMax: 256,
  /** Characters of those events above which the same is done. */
  deliveryCharsMax: 16_777_216,
  /** Subscriptions of one address that an event is handed to before others have their turn. */
  deliveryAtOnceMax: 16,
  /**
   * How often a live event is still to be handed to a subscription, in all, some 8 bytes each; above it, the address with the most of
   * that has subscriptions ended, those that the oldest is for.
   */
  deliveryOffersMax: 4_000_000,
  /** Characters of all live events that wait to be handed out above which the same is done. */
  deliveryWaitingCharsMax: 67_108_864,
  /** Events whose frames, of `sharedFrameBytesMax` at most each, are kept while they are handed out. */
  deliveryFramesMax: 16,
  /** Open subscriptions of the clients of one address: 20 of each of as many as may be connected by default. */
  addressSubscriptionsMax: 10_000,
  /** Filters of these: in one turn a live event is matched against those of all clients, 0.04 ms for a thousand that match. */
  addressFiltersMax: 20_000,
  /** Open negentropy sessions of all clients; more wait. */
  negentropySessionsMax: 256,
  /** Open negentropy sessions of the clients of one address; more wait. */
  addressNegentropySessionsMax: 64,
  /** Negentropy sessions of the clients of one address that wait. */
  addressNegentropyWaitingMax: 1_024,
  /** Time without a useful message after which a negentropy session gives way to one that waits. */
  negentropyYieldMs: 15_000,
  /** Share of the kernels' memory for clients that the sets of their negentropy sessions may take, beside live ones. */
  negentropyMemoryShareMax: 0.4,
  /** The same of the clients of one address. */
  addressNegentropyMemoryShareMax: 0.3,
  /** The same of one client; a session beyond it waits for the others. */
  clientNegentropyMemoryShareMax: 0.2,
  /**
   * Most events that one negentropy session reconciles. Sessions of that size are bounded by the memory of the kernels
   * long before their number is; the one that finds no more memory is refused.
   */
  negentropySessionItemsMax: 2_000_000,
  /** Time without a useful message after which a negentropy session is closed. */
  negentropyIdleMsMax: 60_000,
  /** Bytes of a negentropy answer before it is written as hex. */
  negentropyAnswerBytesMax: 60_000,
  /** Time in which clients are told, and events in hand are finished, when the relay closes. */
  relayCloseMsMax: 2_000,

  // HTTP
  /** Bytes of all headers of one request. */
  httpHeaderBytesMax: 16_384,
  /** Headers of one request; one with more is refused. */
  httpHeadersMax: 100,
  /** Time in which the headers of a request must have come. */
  httpHeadersMsMax: 10_000,
  /** Time in which a whole request must have come: the longest that a push may take to be sent. */
  httpRequestMsMax: 3_600_000,
  /**
   * Pieces of the body of a request, or of the answer of a git server, in which there may be as little as it pleases who sends
   * it: each costs as much to read as kilobytes do.
   */
  httpBodyPiecesMax: 1_024,
  /** Bytes that more pieces have to have on average. */
  httpBodyPieceBytesMin: 256,
  /** What reading such pieces counts for of `clientViolationMsPerMinuteMax`: what of them is read in one turn. */
  httpSmallPiecesMs: 20,
  /** Most bytes that are read of a body when its request was answered before. */
  httpDrainBytesMax: 8_388_608,
  /** Time in which they must have come. */
  httpDrainMsMax: 5_000,
  /** Time between two looks at those times. */
  httpTimeCheckMs: 2_000,
  /** Time for which a connection is kept open without a request. */
  httpKeepAliveMs: 5_000,
  /** Requests of one connection that are answered at the same time; one with more is ended. */
  httpPipelinedMax: 16,
  /** Requests that are begun in a turn of the event loop where so many wait that one slice of it does not suffice. */
  httpRequestsPerTurn: 8,
  /** Bytes of all answers that are made and not read: the largest give way. Half of that are those of one address. */
  httpUnreadBytesMax: 268_435_456,
  /** Time in which an answer that is made must have been read. */
  httpReadMsMax: 600_000,
  /** Age of the text of `/metrics`, which takes milliseconds to make, up to which all who ask are given the same. */
  httpMetricsAgeMsMax: 250,
  /** Time in which answers in hand are finished when the service closes; the relay has closed its sockets by then. */
  httpCloseMsMax: 2_500,

  /** Connections above `--max-connections` that may be open for what is no WebSocket: metrics, NIP-11, health. */
  httpSpareConnectionsMax: 32,
  /** Connections above a limit that are kept open at the same time to be told so. */
  httpRefusedConnectionsMax: 16,
  /** Time in which such a connection must have asked for something. */
  httpRefusedMsMax: 2_000,
  /** What `Retry-After` says to who was refused, in seconds. */
  httpRetryAfterSeconds: 60,

  // Pages of the service
  /** Characters of the name of a repository in lists. */
  listedNameCharsMax: 100,
  /** Characters of its description there. */
  listedDescriptionCharsMax: 200,
  /** Repositories on one page of a list. */
  listedRepositoriesMax: 25,
  /** Characters of what is searched for. */
  searchCharsMax: 100,
  /** Searches that run at the same time, in turns of the event loop. */
  searchesAtOnceMax: 2,
  /** Searches that wait; more are answered 503. */
  searchesWaitingMax: 100,
  /** Of them, those of one address. */
  searchesWaitingPerAddressMax: 10,
  /** Age of the list of repositories that is searched, up to which it is not made anew. */
  catalogueAgeMsMax: 1_000,
  /** How many times as long as its making took it is used at least. */
  catalogueAgeFactor: 50,

  // Status page
  /** Age of what it says, up to which all who ask are given the same. */
  statusAgeMsMax: 1_000,
  /** Time between two looks at what is new, for those who keep the page open. */
  statusIntervalMs: 2_000,
  /** Time after which who keeps it open is sent something when nothing is new. */
  statusHeartbeatMs: 15_000,
  /** Readers that keep it open at the same time. */
  statusReadersMax: 16,
  /** Of them, those of one address. */
  statusReadersPerAddressMax: 4,
  /** Bytes that wait for one of them; above it, its connection is ended. */
  statusReaderBytesMax: 524_288,
  /** Relays that it shows. */
  statusRelaysMax: 100,
  /** Time between two samples of what went through. */
  throughputIntervalMs: 60_000,
  /** Samples that are kept: a day. */
  throughputSamplesMax: 1_440,

  // Clients of one address (IPv4), or of one network of IPv6 (/64)
  /**
   * HTTP requests, handshakes, REQ, COUNT and NEG-OPEN a minute, as many of them at once. Shown by
   * `ngit_address_limited_total`.
   */
  addressRequestsPerMinuteMax: 30_000,
  /** Pushes of git a minute from one address. Shown by `ngit_address_limited_total`. */
  addressPushesPerMinuteMax: 60,
  /** Bytes a minute of the messages that published events, as many of them at once. Shown by `ngit_address_limited_total`. */
  addressEventBytesPerMinuteMax: 67_108_864,
  /** What a tag of a single letter counts for among those bytes at least: it takes memory as well, for as long as its event is stored. */
  addressEventBytesPerIndexedTag: 128,
  /** Bytes a minute on the sockets, both ways, as many of them at once. Shown by `ngit_address_limited_total`. */
  addressBytesPerMinuteMax: 2_147_483_648,
  /** Addresses of which is remembered what they took, beside those that are connected. */
  addressAccountsMax: 100_000,

  // Policy
  /**
   * Most tags of a single letter of one event: the index has it under each, in 20 bytes of memory. Real events have some tens, and
   * deletion requests of the most bytes 900.
   */
  indexedTagsMax: 1_000,
  /** The same of a list of those whom somebody follows (kind 3), of which there is one of each key. Real ones have a thousand. */
  followListTagsMax: 12_000,
  /** Longest identifier of a repository, in bytes of UTF-8: with `.git` it has to fit a file name. */
  identifierBytesMax: 251,
  /** Most steps from the author of a repository to a maintainer, by way of the announcements of maintainers. */
  maintainerDepthMax: 1_000,
  /** Most names in the announcements by way of which the maintainers of one repository are found, nearest first. */
  maintainerNamesMax: 10_000,
  /**
   * Most names by way of which the repositories that a key maintains are found, back from the key, and as many to make sure of
   * them where sets are as large as they may be. Of more, repositories are looked at in vain.
   */
  governedNamesMax: 200_000,
  /** Keys of maintainer sets, and of the repositories that keys maintain, that are remembered until an announcement comes or goes. */
  maintainersKeptMax: 4_000_000,
  /** Most refs of one repository state. */
  stateRefsMax: 20_000,
  /** Most repositories that one pull request names. */
  pullRequestRepositoriesMax: 100,
  /** Most clone URLs of a pull request that are looked at for one of its signer here (GRASP-06). */
  prsCloneUrlsMax: 100,
  /** Most addresses of one event, beside repositories, that are looked up among the stored events. */
  addressLookupsMax: 1_000,
  /**
   * Rows of the index, the newest first, that are looked at for whether something stored refers to an event, or is of its author:
   * about a millisecond. What is refused stands there too.
   */
  referringRowsMax: 10_000,
  /** Largest event, in bytes, of a kind that is accepted without hanging on anything (5, 10317). */
  unrelatedEventBytesMax: 65_536,
  /** The same, from an author of whom nothing is stored. */
  strangerEventBytesMax: 8_192,
  /** Most events of these kinds of one key of which nothing else is stored. */
  strangerEventsMax: 100,
  /** Most bytes of those, each rounded up to a power of two. */
  strangerBytesMax: 1_048_576,
  /** Events of these kinds, of all keys, from which on those of strangers are refused. */
  strangersEventsMax: 200_000,
  /** The same in bytes, each event rounded up to a power of two. */
  strangersBytesMax: 1_073_741_824,
  /**
   * Of these, the most that clients of one address add in a day: nobody uses them up for all others. Shown by
   * `ngit_address_limited_total`.
   */
  addressStrangerEventsPerDayMax: 1_000,

  // Events that wait for git data
  /** How long an event is held: from its arrival, or from the last push or state that it waited for. */
  heldMsMax: 1_800_000,
  /** How long the answer to an event that is held waits for the look whether its git data is here. */
  heldExaminationMsMax: 3_000,
  /** A push or a state that lengthens that by less is not written down. */
  heldRenewalMsMin: 60_000,
  /** Most events of one key that are held. */
  heldKeyEventsMax: 1_000,
  /** Bytes of those. */
  heldKeyBytesMax: 2_097_152,
  /** Most events that are held of those that came from one address. */
  heldAddressEventsMax: 3_000,
  /** Bytes of those. */
  heldAddressBytesMax: 4_194_304,
  /** Most announcements that are held of those that came from one address. */
  heldAddressRepositoriesMax: 300,
  /** Most events that are held. */
  heldEventsMax: 50_000,
  /** Bytes of those. */
  heldBytesMax: 67_108_864,
  /** Most held events that one is held for, or looked at for that, of all that it names and that name it. */
  heldRelativesMax: 1_000,
  /** How long an announcement that was held in vain is remembered, for its author to come back. */
  lapsedAnnouncementMsMax: 86_400_000,
  /** Bytes of those; the oldest give way. */
  lapsedAnnouncementBytesMax: 16_777_216,
  /** How long a `refs/nostr/<event id>` waits for its event. */
  awaitedPullRequestMsMax: 1_200_000,
  /** Most of these in one repository. */
  awaitedPerRepositoryMax: 100,
  /** Most of these that were pushed from one address. */
  awaitedPerAddressMax: 200,
  /** Most of these in all. */
  awaitedMax: 5_000,

  // Git
  /** Longest ref name, in bytes of UTF-8. */
  refNameBytesMax: 1_024,
  /** Longest part of a ref name between slashes, in bytes of UTF-8: with `.lock` it has to fit a file name. */
  refNamePartBytesMax: 250,
  /**
   * Most parts of a ref name: each is a folder of its own on the disk. No repository that was seen has more than a dozen.
   */
  refNamePartsMax: 32,
  /** Git processes that run at the same time, and as many that may take longer than `gitMsMax`. */
  gitProcessesMax: 4,
  /**
   * Bytes of memory of its own that a git process may take, by the system's own limit (RLIMIT_DATA); packs that it reads are
   * not counted. A million objects take 132 MB while they are indexed, and 256 MB while they are sent.
   */
  gitMemoryBytesMax: 8_589_934_592,
  /**
   * What the system counts a git process for more than others of its size where memory runs out, in thousandths of all memory
   * (`oom_score_adj`): git is ended then, and not the daemon.
   */
  gitOomScore: 500,
  /** Time that one git process may take. */
  gitMsMax: 60_000,
  /**
   * Files and folders of refs that are set at once, above which all refs are packed into one file: each takes a block of the
   * disk.
   */
  gitRefsUnpackedMax: 1_000,
  /** Time that setting more refs than that may take: each is forced to the disk. */
  gitManyRefsMsMax: 300_000,
  /** Time between asking a git process to end and killing it. */
  gitKillMs: 2_000,
  /** Age at which a git lock file is taken for left behind. */
  gitLockAgeMsMax: 600_000,
  /** Most bytes of what one git process writes. */
  gitOutputBytesMax: 67_108_864,
  /** Bytes that are kept of what a failing git process complains about. */
  gitComplaintBytesMax: 2_048,
  /** Bytes of the line that says which git command a connection to the helper process is for. */
  gitStreamHeaderBytesMax: 65_536,
  /** Most commands of one push. */
  pushCommandsMax: 20_000,
  /** Most bytes of the commands and options of one push. */
  pushHeadBytesMax: 8_388_608,
  /** Most objects of the pack of one push. Shown by `ngit_git_pushes_total`. */
  pushObjectsMax: 10_000_000,
  /**
   * Most bytes of memory that git takes in one piece while it reads a pack: no object of one but a plain blob is larger.
   * Shown by `ngit_git_pushes_total`.
   */
  pushAllocationBytesMax: 805_306_368,
  /**
   * Most bytes of a commit or tag that comes: git keeps those that refs stand for in memory together. A commit of Linux has
   * some tens of thousands at most.
   */
  commitBytesMax: 1_048_576,
  /** Most bytes of a tree that comes, which is one folder: about 400,000 files. */
  treeBytesMax: 16_777_216,
  /**
   * Objects that one builds upon as a delta, one after the other: what comes deeper is packed anew. Git packs no deeper by itself,
   * since 2.12 also where it takes over deltas that are there.
   */
  deltaDepthMax: 50,
  /** Packs of a repository from which on proposals wait until it is repacked: git opens all of them for whatever it does. */
  proposedPacksMax: 2_000,
  /** Longest path of a file or folder of what is proposed, in bytes. Linux opens none that is longer. */
  proposedPathBytesMax: 4_096,
  /** Bytes of the commits of refs, the smallest first, that git reads to leave out what is here already. */
  knownTipsBytesMax: 268_435_456,
  /** Refs of pull requests, those of the smallest commits, that git reads for the same. */
  knownProposalTipsMax: 2_000,
  /**
   * Most bytes of the pack of a push that sets refs of pull requests only: anybody may push those. Shown by
   * `ngit_git_pushes_total`.
   */
  pullRequestPackBytesMax: 268_435_456,
  /** Time that git may take to put together the objects of a pack that has come whole, be it small. */
  packCheckMsMin: 60_000,
  /** Bytes of the pack for each second more. */
  packCheckBytesPerSecondMin: 262_144,
  /** Time between two looks at how large a pack has become that git writes of what came. */
  packGrowthLookMs: 250,
  /** Longest that one check of what was pushed, or one copy to another repository, may take. */
  pushCheckMsMax: 600_000,
  /**
   * The same while the repository is locked, where other commands of a push are right than before its objects came: longer than
   * that is for another push.
   */
  pushLockedCheckMsMax: 5_000,
  /**
   * Bytes of memory that git may take to look through what came, be it little: trees within trees are all in memory at once, and
   * few bytes of deltas can be very many such. What has come in takes as much for each clone.
   */
  pushCheckMemoryBytesMin: 1_073_741_824,
  /** Bytes of it for each object more. */
  pushCheckMemoryBytesPerObject: 512,
  /** Threads with which git puts together the objects of a pack that comes, where there are as many processors. */
  pushIndexThreadsMax: 8,
  /** Bytes of memory more that git may take meanwhile, for each of its threads: so much of what others build upon it keeps. */
  pushIndexMemoryBytesPerThread: 134_217_728,
  /** Objects of held states that git is asked about at once, or those of one state. */
  heldObjectsAskedMax: 10_000,
  /** Repositories of which is looked at once whether the git data of what is held is here. */
  heldLooksAtOnceMax: 2,
  /** Time that a push, or a look at what is held, may spend on other repositories while its own is locked. */
  promotionOthersMsMax: 5_000,
  /** Copies of objects for which nobody waits: those that are made and those that wait for that. */
  backgroundCopiesMax: 1_000,
  /** Copies between repositories that may take minutes and are made at once, with those of what git data sync finds to lack. */
  backgroundCopiesAtOnceMax: 2,
  /** Other repositories to which the objects of one state or pull request are copied, at most. */
  objectCopiesMax: 20,
  /** Pull requests whose commits came that are written to the store together. */
  promotionsAtOnceMax: 100,
  /** Bytes of the copies for one pull request after which no other is begun: anybody may name any repository. */
  pullRequestCopyBytesMax: 268_435_456,
  /** Size, in bytes, below which a pack is copied to another repository, and not linked: it saves nothing. */
  sharedPackBytesMin: 65_536,
  /** Objects of a repository above which those that another is to have are copied, and not compared with whole packs. */
  sharedObjectsMax: 200_000,
  /** Time between two signs of life to a client whose push is worked on. */
  pushKeepAliveMs: 5_000,
  /** Loose refs of one repository up to which their files are read; above it, git is asked. */
  looseRefsReadMax: 1_000,
  /** Refs of one push up to which git is asked for them by name; above it, it is asked for all. */
  pushRefsByNameMax: 200,
  /**
   * Most refs of pull requests of one repository: all that lists its refs has to list these. One half is left to its maintainers.
   * Shown by `ngit_git_pushes_total`.
   */
  pullRequestRefsMax: 40_000,
  /** Refs that the log line of a push names. */
  pushLoggedRefsMax: 20,
  /** Git processes that write advertisements of refs at once: they are short, and wait for no client. */
  gitAdvertisersMax: 4,
  /**
   * Largest advertisement of refs, in bytes, that is kept; a larger one is made by git for each who asks. It is a 64th of
   * what all may take: a few large ones must not push out all others.
   */
  gitAdvertisementBytesMax: 1_048_576,
  /** Most bytes of all advertisements that are kept. Shown by `ngit_git_advertisements_kept_bytes`. */
  gitAdvertisementsKeptBytesMax: 67_108_864,
  /** Most advertisements that are kept. */
  gitAdvertisementsKeptMax: 20_000,
  /** Bytes of one answer that wait to be sent, above which git is not read. */
  gitSendBytesHigh: 262_144,
  /**
   * Most bytes of a request for objects, inflated: what the client wants and has, one id a line. Shown by
   * `ngit_git_requests_total`.
   */
  gitUploadRequestBytesMax: 33_554_432,
  /**
   * A compressed body inflates to at most so many times what was sent of it, and the bytes below: ids come to three times, and
   * packs are compressed before. Shown by `ngit_git_requests_total`.
   */
  gitInflatedTimesMax: 8,
  /** Bytes to which it may inflate beyond that: some clients compress what is as large, whatever it is. */
  gitInflatedBytesFree: 1_048_576,
  /**
   * Time that a request for objects may take, its sending included, until the first of them come. Shown by
   * `ngit_git_requests_total`.
   */
  gitNegotiationMsMax: 300_000,
  /**
   * Most levels of folders with which a partial clone may be asked for: git looks at a folder again for each level on which it
   * finds it.
   */
  gitFilterTreeDepthMax: 4,
  /** Time in which some of the body of a git request has to come. */
  gitBodySpanMs: 60_000,
  /** Bytes of it that have to come in that time. */
  gitBodySpanBytesMin: 16_384,
  /** Bytes of the body of a push that have to come in that time while somebody waits to push who has no place: 8 kB a second. */
  gitAwaitedBodySpanBytesMin: 491_520,
  /**
   * Bytes that a clone or fetch has to read, or to send of its request, in that time while somebody waits whose address has one
   * place fewer: 8 kB a second; so many times as much where it has several fewer.
   */
  gitAwaitedReadSpanBytesMin: 491_520,
  /**
   * Time without a place for clones, for pushes, for git that takes minutes, or for what a follower passes on, coming free after
   * which one ends while somebody waits whose address has two places fewer, whoever is slow.
   */
  gitPlacesHeldMsMax: 180_000,
  /** Time after which who waits to be served is sent the first bytes: some clients give up after 15 s of silence. */
  gitSilenceMsMax: 5_000,
  /** Git requests that failed, or took too long, that are logged as warnings in a minute; others are on `debug`. */
  gitFailuresLoggedPerMinuteMax: 30,
  /** What `Retry-After` says where too many git requests wait, in seconds. */
  gitRetryAfterSeconds: 10,
  /** Pages of repositories that are made at once, with one git process each; half of them for one address. */
  pagesMadeAtOnceMax: 2,
  /** Most pages of which is kept what git said, and that are kept as they are sent. */
  pagesKeptMax: 1_000,
  /** Most bytes of each of both. */
  pagesKeptBytesMax: 33_554_432,
  /** Branches, and tags, that the page of a repository shows. */
  pageRefsMax: 100,
  /** Maintainers that it shows. */
  pageMaintainersMax: 50,
  /** Characters of a name, or of the subject of a commit, that it shows. */
  pageLineCharsMax: 200,
  /** Characters of the description that it shows. */
  pageDescriptionCharsMax: 5_000,
  /** Bytes of the commits and tags of refs, the smallest first, that are read for it; of others it has no date and no subject. */
  pageObjectsBytesMax: 2_097_152,
  /** Bytes of memory that git may take in one piece for it: trees are the largest of what it reads. */
  pageAllocationBytesMax: 33_554_432,
  /** Time that one git process may take for it. */
  pageGitMsMax: 20_000,
  /** Time for which one that git could not read is not tried again, unless a ref changes. */
  pageFailureMsMax: 300_000,
  /** Largest README, in bytes, that it shows. */
  pageReadmeBytesMax: 262_144,
  /** Characters of it that are escaped at once: then the event loop may have its turn. */
  pageEscapeCharsPerPiece: 8_192,
  /** Issues, patches and pull requests, the newest of each, whose status is counted for it. */
  pageRootsMax: 500,
  /** Most status events that are read for that. */
  pageStatusesMax: 2_000,
  /** Most bytes of those. */
  pageStatusesBytesMax: 2_097_152,
  /** Age of those counts up to which they are shown. */
  pageCountsAgeMsMax: 10_000,
  /** Times that a new repository is moved to its place while its parent folder keeps disappearing. */
  gitMoveAttemptsMax: 10,
  /** Closed repositories on disk above which one to which nothing was pushed is not kept for its grace period. */
  closedRepositoriesMax: 10_000,
  /** Repositories that are aligned with stored events at the same time. */
  alignmentsAtOnceMax: 4,
  /** Those beside them that wait for others who work on the same repository; then no other is begun. */
  alignmentsHeldUpMax: 100,
  /** Pull requests of one repository that are remembered one by one for alignment; above it, all are looked at, so many at once. */
  alignmentPullRequestsMax: 1_000,
  /**
   * Rows that are looked at when a repository is announced, for pull requests that name it and came before; where there are more,
   * so many pull requests are taken in in each of later turns.
   */
  pullRequestsEnteredAtOnceMax: 256,
  /** First wait after a failed alignment. */
  alignmentRetryMsMin: 1_000,
  /** Longest wait after failed alignments of one repository. */
  alignmentRetryMsMax: 300_000,
  /** Time between two looks for closed repositories whose grace period is over. */
  repositorySweepIntervalMs: 3_600_000,

  // Git data sync
  /** Time between a synced event and the first look for the git data that it names: others of the same push follow it. */
  gitSyncedDelayMs: 500,
  /** The same for an event that a client submitted, who is about to push the data. */
  gitSubmittedDelayMs: 180_000,
  /** First wait after a round of all servers that did not make a repository complete, or after a failure of a host. */
  gitRetryMsMin: 20_000,
  /** Longest such wait for data that is new. */
  gitNewsRetryMsMax: 120_000,
  /** Longest such wait. With the rest of a host, and a fetch that takes long, every server is asked within an hour. */
  gitRetryMsMax: 1_800_000,
  /** Share by which such waits are drawn out at random. */
  gitRetryJitter: 0.1,
  /** Time for which data counts as new. */
  gitNewsMsMax: 1_800_000,
  /** Shortest time between two such beginnings of quick tries for a repository. */
  gitNewsAgainMsMin: 600_000,
  /** Looks at an incomplete repository that events cause in a minute: those of maintainers, and pull requests. */
  gitEventLooksPerMinute: 2,
  /** The same at once. */
  gitEventLooksAtOnceMax: 10,
  /** Names of what lacks and of servers by which is told what is new of a repository; above it, some are taken for new. */
  gitNamesRememberedMax: 500,
  /** Repositories of which is remembered how searches went, at most, beside those that lack something. */
  gitSearchesRememberedMax: 2_000,
  /** Time after which no other server is asked in a round for a repository; those that were not come first in the next. */
  gitRoundMsMax: 1_200_000,
  /** First rest of a server, for one repository, that sent what is of no use; it doubles each time. */
  gitServerRestMsMin: 120_000,
  /** Longest such rest: within an hour from when it gives what it should, all of that is here. */
  gitServerRestMsMax: 1_200_000,
  /** The same of one that sent more than is taken: a large repository does not become smaller. */
  gitTooMuchRestMsMax: 86_400_000,
  /** Servers of one repository of which is remembered that they failed, at most. */
  gitServersRememberedMax: 60,
  /** How long servers are not asked because what lacks is copied from other repositories here. */
  gitCopiesPatienceMs: 60_000,
  /** Repositories of which is looked at once what they lack. */
  gitLooksAtOnceMax: 4,
  /** Fetches that run at one host at once. */
  gitHostFetchesAtOnceMax: 5,
  /** The time in which a host gets so many fetches at most as the operator chose. */
  gitHostPaceMs: 60_000,
  /** Longest that a host that failed is left alone. */
  gitHostRestMsMax: 1_200_000,
  /** Longest that it is left alone because it asked for that. */
  gitRetryAfterMsMax: 86_400_000,
  /** Hosts of git servers that are remembered, at most, beside those that are asked. */
  gitHostsRememberedMax: 10_000,
  /** Servers that the announcements of one repository, and its pull requests, are fetched from, each. */
  gitServersMax: 30,
  /** URLs of pull requests that servers of one repository are chosen from, at once; of more, those of some pull requests. */
  gitProposedUrlsMax: 30_000,
  /** Maintainers whose announcements name servers of one repository, beside its author. */
  gitAnnouncementsMax: 20,
  /** States of one repository whose objects are fetched at once: the stored one, and those that are held. */
  gitStatesFetchedMax: 5,
  /** Objects of one repository that are looked for at once. */
  gitMissingObjectsMax: 50_000,
  /** Longest that a git server may take to answer what it has, and in which version of the protocol. */
  gitAdvertisementMsMax: 30_000,
  /** Time in which some of the answer of a git server has to come: it may have to look for it. */
  gitFetchSpanMs: 120_000,
  /** Bytes of it that have to come in that time. */
  gitFetchSpanBytesMin: 16_384,
  /** Bytes of it that have to come in that time while others wait to fetch: 8 kB a second. */
  gitAwaitedFetchSpanBytesMin: 983_040,
  /**
   * Time without a place for fetches coming free after which, while others wait, the one that has run for longest ends, whoever is
   * slow: each of eight can have an hour.
   */
  gitFetchesHeldMsMax: 480_000,
  /** Most bytes of what a git server says beside packs: its refs, or signs of life. */
  gitRemoteRefsBytesMax: 16_777_216,
  /** Most refs of a git server that are kept: its heads, tags and refs of pull requests. */
  gitRemoteRefsMax: 100_000,
  /** Refs of ours that a git server is told of, so that it need not send what they lead to. */
  gitHavesMax: 256,
  /** Objects that a git server may say one after the other it has not, until only what its refs stand for is asked for. */
  gitRefusedWantsMax: 32,
  /** Objects that came of which is looked one by one whether they are whole, where not all are. */
  gitLoneChecksMax: 100,
  /** How long that may take in all. */
  gitLoneChecksMsMax: 60_000,
  /** Most objects of one pack that is fetched. Shown by `ngit_git_sync_failures_total`. */
  gitFetchObjectsMax: 50_000_000,
  /** Hosts of git servers that have a label of their own in metrics. */
  gitHostLabelsMax: 100,

  // Care of repositories
  /** Packs of one repository above which it is repacked. */
  carePacksMax: 32,
  /** Loose objects of one repository above which it is repacked. */
  careLooseObjectsMax: 2_000,
  /** Refs of one repository in files of their own, with the folders that they lie in, above which it is repacked. */
  careLooseRefsMax: 2_000,
  /** Bytes of packs without a bitmap from which one is worth it; fewer are sent as quickly without. */
  careBitmapBytesMin: 4_194_304,
  /** Share of the bytes with a bitmap that those without may come to. */
  careUncoveredShareMax: 0.5,
  /** Least time between two repacks of one repository. */
  careIntervalMsMin: 3_600_000,
  /** How long objects that nothing refers to are kept: what moved a ref can be undone until then. */
  unreachableObjectsMsMax: 1_209_600_000,
  /** Time between a push that makes a repack due and that repack: more pushes may follow. */
  careQuietMs: 30_000,
  /** Time after which a repack that gave way to a push is tried again. */
  careRetryMs: 300_000,
  /** Times that a repack gives way to a push; the next time pushes pass it, and it throws nothing away. */
  careInterruptionsMax: 3,
  /** Pause after each repack. */
  carePauseMs: 100,
  /** Repositories that wait to be repacked; more are found at the next look. */
  careWaitingMax: 1_000,
  /** Of them, those of one owner. */
  careWaitingPerOwnerMax: 100,
  /** Time that one step of a repack may take. */
  careStepMsMax: 3_600_000,
  /** Time after which the repack of one repository ends where others wait for theirs; doubled by each that failed, up to `careStepMsMax`. */
  careAwaitedMs: 300_000,
  /** First rest of a repository whose repack failed, or ended so; it doubles each time. */
  careRestMsMin: 21_600_000,
  /** Longest such rest. */
  careRestMsMax: 604_800_000,
  /** Age at which a temporary file or a lock below the objects of a repository is taken for left behind. */
  leftoverAgeMsMax: 86_400_000,
  /** Time between two looks at all repositories: their bytes, packs and leftovers. */
  surveyIntervalMs: 86_400_000,
  /** Pause after each repository of such a look. */
  surveyPauseMs: 20,

  // Commands
  /** Repositories that a start or `doctor --fix` closes without being told to, by its settings. */
  closingUnaskedMax: 10,
  /** Of the repositories on disk, in percent: so many of them are closed without being told to. */
  closingUnaskedPercentMax: 10,
  /** Names of refs or settings of one finding that the doctor shows. */
  doctorNamesMax: 5,
  /** Longest line of an imported file, in bytes. */
  importLineBytesMax: 16_777_216,
  /** Events of an import that are given to the admission before their outcomes are waited for. */
  importBatchEventsMax: 1_024,
  /** Time between two reports of an import about how far it is. */
  importReportMs: 250,

  // Backup and restore
  /** Events that a backup reads from the disk at once. */
  backupReadEventsMax: 128,
  /** Bytes that it reads at once, but for one event that is larger. */
  backupReadBytesMax: 262_144,
  /** Bytes from which a file of JSON lines in a backup is closed, and the next begun. */
  backupLinesBytesMin: 1_048_576,
  /** How long a backup may take to read the events: so long LevelDB keeps what was replaced meanwhile. */
  backupEventsMsMax: 3_600_000,
  /** Most bytes of the manifest of a backup, or of what it says about one repository. */
  backupNoteBytesMax: 65_536,
  /** Most bytes of a line of the refs in a backup: an object id, and a name, of which git takes no longer ones. */
  restoredRefBytesMax: 8_192,
  /** Events that a restore gives to a verification worker at once. */
  restoreBatchEventsMax: 128,
  /** How long git may take to index one pack that is restored, or to look through a repository. */
  restoreGitMsMax: 21_600_000,
  /** Exports that a daemon gives at once. */
  exportsAtOnceMax: 4,
  /** How long a command that asks the daemon may leave unread what it is sent, before the daemon lets it go. */
  controlStalledMsMax: 60_000,

  // Sync: what is tracked
  /**
   * Most relays of stored announcements that are connected to; above it, those that most authors name. Shown by
   * `ngit_sync_relays_tracked_total`.
   */
  syncRelaysMax: 2_000,
  /** Most URLs of one host, of stored announcements, that are connected to. */
  syncRelaysPerHostMax: 4,
  /** The same for all hosts of one domain: the last two labels of their names. */
  syncRelaysPerDomainMax: 100,
  /** Relays that one author names with a whole voice each; who names more has as many voices, shared by all of them. */
  syncRelaysPerAuthorMax: 32,
  /** Relays that announcements name which are remembered at all; half of them only of authors who name no more than those. */
  syncNamedRelaysMax: 20_000,
  /** With how many times as many authors a relay takes the place of one that was connected to. */
  syncDisplacementFactor: 100,
  /** Most relays of one announcement that are tracked: all of them stay in memory. */
  syncRelaysPerAnnouncementMax: 20,
  /** Most characters of the URL of a relay that an announcement names; a longer one is not followed. */
  syncRelayUrlCharsMax: 256,
  /** Most relays that metrics name; the rest is summed under `other`. */
  syncRelayLabelsMax: 200,
  /** Most references of one root, addresses and ids each, that are followed to repositories. */
  syncReferencesPerRootMax: 200,
  /** Stored roots that are taken in at the start before the event loop gets its turn. */
  syncRootsPerTurnMax: 64,
  /**
   * Rows that are looked at at once for what refers to a repository or root that came: roots by each tag, and authors; where there
   * are more, in later turns.
   */
  syncReferringAtOnceMax: 256,
  /** Stored roots that are taken in at the start before the relays are told of them. */
  syncRootsPerChangeMax: 65_536,
  /** Topics that may be wanted only now, or no longer, of which one relay is told at a time. */
  syncTopicsPerPieceMax: 256,
  /** Most repositories to which one root belongs. */
  syncRepositoriesPerRootMax: 64,
  /** Stored roots that belong to no repository, as after its announcement was deleted, that every relay is asked about. */
  syncOrphansMax: 1_000,
  /** Most authors, of what is stored about one repository or root, whose deletions are asked for. */
  syncAuthorsPerTopicMax: 1_000,
  /** Most stored events that are looked at, per tag, for the authors of one repository or root. */
  syncAuthorEventsMax: 20_000,
  /** Connections that are being made at the same time to relays that did not fail last. */
  syncDialsMax: 16,
  /** Connections that are being made at the same time to relays that failed last. */
  syncRetriesMax: 16,
  /** Time for which a connection that is being made counts there; after it, others begin. */
  syncDialPlaceMsMax: 5_000,
  /** Hosts of whose last failure is known though no URL of theirs is tracked any more. */
  syncHostsRememberedMax: 10_000,
  /** Lines of log a minute about relays that only events name; what is beyond them is on `debug`. */
  strangersLogLinesPerMinute: 600,
  /** Batches of catch-up, of all relays together, that run at the same time, as long as they make progress. */
  syncTransfersMax: 16,
  /** Of these, and of the slow ones, those of one host. */
  syncTransfersPerHostMax: 4,
  /** Time between two looks at the progress of a batch. */
  syncProgressLookMs: 5_000,
  /** Bytes a second of what a relay was asked for that are progress. */
  syncProgressBytesPerSecondMin: 16_384,
  /** Events a second that are progress, however small they are. */
  syncProgressEventsPerSecondMin: 20,
  /** Time after which a batch that makes progress ends its turn where others wait for a place; it goes on later. */
  syncTransferTurnMs: 180_000,
  /** Batches that go on without a place because they make no progress; with more, the oldest of them ends its turn. */
  syncSlowTransfersMax: 64,

  /**
   * Memory of what all remotes make us hold: messages that wait or have not come whole, events and ids on their way. Shown
   * by `ngit_sync_memory_bytes`.
   */
  remotesMemoryBytesMax: 268_435_456,
  /** Share of it that the relays of one domain may have together. Shown by `ngit_sync_memory_bytes`. */
  domainMemoryShareMax: 0.25,
  /** Share of it that one relay may have. Shown by `ngit_sync_memory_bytes`. */
  remoteMemoryShareMax: 0.125,
  /**
   * Memory of the ids that relays listed and did not serve, of all relays; those of the relay that has most give way.
   * Shown by `ngit_sync_memory_bytes`.
   */
  unservedMemoryBytesMax: 33_554_432,
  /**
   * Memory of what is known of the topics of all relays that only events name, with the same shares; above it, the relay that
   * has most is asked about repositories alone for a day.
   */
  topicsMemoryBytesMax: 536_870_912,

  // Names of other servers
  /** Time in which a name that a stranger gave must have been looked up. */
  nameLookupMsMax: 8_000,
  /** Time in which a DNS server must have answered the first time it is asked; each further time has twice as much. */
  nameTryMs: 2_000,
  /** How often a DNS server is asked for one name. */
  nameTriesMax: 3,
  /** How long a name that has addresses of one family (IPv4, IPv6) is waited for with those of the other. */
  nameOtherFamilyMs: 1_000,
  /** Addresses of one family that are tried of one name. */
  nameAddressesMax: 4,
  /** Time that one address of a name has for its connection before the next one is tried; the last has all that is left. */
  addressTryMs: 2_500,

  // Sync: one remote
  /** Open subscriptions on a relay that publishes no limit. */
  remoteSubscriptionsDefault: 8,
  /** Filters of one subscription on a relay that publishes no limit. */
  remoteFiltersDefault: 10,
  /** Bytes of one message to a relay that publishes no limit. */
  remoteMessageBytesDefault: 60_000,
  /** Bytes of one message to any relay. */
  remoteMessageBytesMax: 262_144,
  /** Batches of catch-up on one relay at the same time. */
  remoteBatchesMax: 4,
  /** Downloads and pages on one relay at the same time. */
  remoteRequestsMax: 8,
  /** Negentropy sessions on one relay at the same time, where it publishes that it takes them. */
  remoteNegentropySessionsMax: 4,
  /** Longest message of a remote, in bytes; a longer one ends the connection. */
  remoteFrameBytesMax: 1_200_000,
  /** Bytes that are read of a remote's socket before others have their turn. */
  remotePieceBytes: 16_384,
  /** Bytes of messages of one remote that wait to be looked at, above which its socket is not read; a character counts as one. */
  remoteQueueBytesHigh: 4_194_304,
  /** Bytes of that queue at which the socket is read again. */
  remoteQueueBytesLow: 1_048_576,
  /** Bytes of a message of a remote that has not come whole that are not counted as memory. */
  remoteMessageFreeBytes: 65_536,
  /** Messages of one remote that wait to be looked at, above which its socket is not read. */
  remoteQueueFramesMax: 8_192,
  /** Bytes that wait to be sent to one remote above which it is asked nothing more. */
  remoteSendBytesHigh: 524_288,
  /** Events of one remote that are between its socket and the outcome of admission. */
  remoteEventsInFlightMax: 512,
  /** Characters that are read of a text of a remote (CLOSED, NOTICE, OK, NEG-ERR), and most of its AUTH challenge. */
  remoteTextCharsMax: 1_024,
  /**
   * Violations of one connection in one window before it is dropped: messages that cannot be read, or that answer
   * nothing, and NOTICE and AUTH.
   */
  remoteViolationsMax: 10_000,
  /** Bytes of those messages. */
  remoteViolationBytesMax: 67_108_864,
  /** Time that the event loop may spend on reading them. */
  remoteViolationMsMax: 5_000,
  /** The window in which they are counted. */
  remoteViolationWindowMs: 3_600_000,
  /** Subscriptions closed last for which one more message is no violation. */
  remoteClosedChannelsMax: 1_024,
  /** Time in which a connection must stand. */
  remoteDialMsMax: 20_000,
  /** Time in which the NIP-11 document must have come. */
  remoteInformationMsMax: 10_000,
  /** Largest NIP-11 document that is read, in bytes; one for each dial, and only while it lasts. */
  remoteInformationBytesMax: 262_144,
  /** Time in which something must come for a request (EOSE, an event, a NEG message). */
  remoteRequestMsMax: 30_000,
  /** Time in which a relay of which nothing is known must have answered its first NEG-OPEN. */
  remoteNegentropyProbeMsMax: 10_000,
  /** How long other questions wait for that answer before they are asked in pages. */
  remoteNegentropyPatienceMs: 1_000,
  /** Time in which an answer to AUTH must have come. */
  remoteAuthMsMax: 15_000,
  /** Time between two pings of a remote. */
  remotePingIntervalMs: 30_000,
  /** Time without any sign of life after which a remote is given up. */
  remoteSilenceMsMax: 90_000,
  /** Requests in a row that may stay without an answer before the connection is given up. */
  remoteSilentRequestsMax: 3,
  /** How long a remote that said "slow down" is asked nothing. */
  remoteSlowDownMs: 65_000,

  /** Topics that the live subscriptions of one relay ask about, also where it would take more; others are caught up with. */
  liveTopicsMax: 16_384,
  /** How long a live subscription has to stand before its failures count from none again. */
  liveStableMsMin: 60_000,
  /** Live events that a filter by kind brings before it is looked at whether that is worth it; then as many again. */
  liveKindsTrialEvents: 500,
  /** Share of them that has to be wanted here. */
  liveKindsWantedShareMin: 0.1,
  /** How long a filter by kind that is not worth it is not asked for. */
  liveKindsRetryMs: 86_400_000,

  // Sync: catch-up
  /** Events after which it is looked at whether half of all that a remote holds is wanted, should there be still more. */
  everythingTrialEventsMax: 100_000,
  /** Most ids that are remembered of those that were not wanted when they came, to be looked at then. */
  everythingTrialIdsMax: 1_000,
  /** How often everything is divided by time, where it is too much at once, before a relay is asked by layers. */
  everythingDivisionsMax: 4,
  /** How long a remote that is not worth asking for everything is not asked for it. */
  everythingRetryMs: 604_800_000,
  /** Ids of one download request. */
  downloadIdsMax: 300,
  /** Bytes of one answer that are held back to be handed on oldest first. */
  downloadHeldBytesMax: 1_048_576,
  /** How long an id that one relay is asked for is not asked of another that has it too. */
  downloadClaimMsMax: 5_000,
  /** How long a complete answer waits for those that were asked for before it. */
  downloadTurnMsMax: 10_000,
  /** Ids that wait to be downloaded from one remote; above it, reconciliation waits. */
  downloadQueueIdsMax: 20_000,
  /** Ids that one remote listed and did not serve, remembered until the next day. */
  unservedIdsMax: 20_000,
  /** Ids that one exchange may make us need in all. */
  negentropyNeedIdsMax: 10_000_000,
  /** Times that one filter is cut, because its range has too many events, before it is paged instead. */
  catchupCutsMax: 256,
  /** Events asked for in one page. */
  pageEventsDefault: 500,
  /** Most events asked for in one page of a single second. */
  pageEventsMax: 5_000,
  /** Events that one page may bring before it is ended by us. */
  pageOverflowEventsMax: 20_000,
  /** Pages of one filter before it is given up. */
  pagesMax: 20_000,
  /** Pages of one filter in a row of which nothing is kept, before it is given up. */
  pagesInVainMax: 1_000,
  /** Time that one batch of catch-up may take before others have their turn; it goes on later. */
  catchupBatchMsMax: 600_000,
  /** Time between two lines about events that catch-up brought and that were stored later. */
  storedLaterIntervalMs: 60_000,
  /** Body of a request on the operator's socket, in bytes. */
  controlBodyBytesMax: 1_000_000,
  /** Time between two lines about how far the first catch-up after a start is. */
  firstCatchupLogIntervalMs: 10_000,
  /** Gaps, and repositories that a peer lacks events of, that are logged one by one in one run. */
  catchupLogLinesMax: 20,
  /** Events that we have and a peer lacks that are read in one batch to tell their repositories. */
  peerMissingEventsReadMax: 500,
  /** Refused ids that wait to be asked for again; some 10 MB, which no remote's memory is charged for. */
  wantedIdsMax: 50_000,
  /** Repositories of the event because of which they are asked for, whose relays are asked first. */
  wantedRepositoriesMax: 32,
  /** Of all events because of which ids are asked for; those of others are asked for of any relay. Some 20 MB. */
  wantedRepositoriesInAllMax: 100_000,
  /** Relays that one such id is asked of, those that the announcement of its repository names first. */
  wantedRelaysMax: 32,
  /** Time that one relay has for such a download. */
  wantedFetchMsMax: 120_000,

  // Process
  /** Files that the process has open beside store, threads and connections, also for a moment. */
  descriptorsProcess: 64,
  /** Files that one verification thread has open. */
  descriptorsPerWorker: 4,
  /** Descriptors of a git process that streams: one for each direction. */
  descriptorsPerGitProcess: 2,
  /** Files that the store has open beside `storeOpenFilesMax`: logs, snapshots, tables that compaction writes. */
  descriptorsStoreSpare: 16,
  /** Connections that one relay may take at the same time: its WebSocket, and the one that its NIP-11 came by. */
  descriptorsPerRelay: 2,
  /** Connections of clients below which the daemon does not start. */
  connectionsMin: 16,
  /** Bytes of log lines that wait while they cannot be written; more are dropped. */
  logBufferBytesMax: 1_048_576,
  /** Time from the first SIGTERM or SIGINT to the end of the process. */
  shutdownMsMax: 5_000,
  /** Time in which systemd has to hear that the process is ready. */
  serviceNotifyMsMax: 10_000,

  // Moderation
  /** Most public keys that are banned. */
  bannedPubkeysMax: 10_000,
  /** Most events that are banned by their id. */
  bannedEventsMax: 100_000,
  /** Most public keys that quotas do not bind. */
  allowedPubkeysMax: 10_000,
  /** Most addresses and networks that are blocked. */
  blockedAddressesMax: 10_000,
  /** Characters of the reason of a ban that are kept. */
  moderationReasonCharsMax: 500,
  /** Characters of the relay's name. */
  relayNameCharsMax: 200,
  /** Characters of its description. */
  relayDescriptionCharsMax: 2_000,
  /** Body of a call of the management of the relay (NIP-86), in bytes. */
  managementBodyBytesMax: 65_536,
  /** Calls of one address in a minute that may come without the right authorization. Shown by `ngit_address_limited_total`. */
  addressFailedAuthorizationsPerMinuteMax: 20,
  /** Seconds by which the date of an authorization of a call (NIP-98) may differ from now. */
  httpAuthSecondsMax: 60,
  /** Authorizations that are remembered as used, each for two such times at most. */
  httpAuthsRememberedMax: 10_000,
  /** Events that are taken away at once; the next ones follow once these are off the disk. */
  takenAwayAtOnceMax: 256,
  /** Time between two lines about how far the taking away of the events of a ban is, for who waits for it. */
  takenAwayReportMs: 200,

  // Store
  /** Rows of the index that a query looks at before the event loop gets its turn. */
  storeQueryRowsPerTurn: 30_000,
  /** Rows that a query finds before it reads their events. */
  storeQueryFoundRowsMax: 4_096,
  /** Most events that a query reads at once. */
  storeReadEventsMax: 128,
  /** Bytes of events that a query reads at once; a single larger event is read alone. */
  storeReadBytesMax: 262_144,
  /** Memory of the events that were read last and are kept at hand, in bytes. */
  storeCacheBytesMax: 16_777_216,
  /** Most events of one write; more wait for the next. */
  storeBatchEventsMax: 512,
  /** Bytes of one write above which it takes no more events. */
  storeBatchBytesMax: 2_097_152,
  /** Longest wait of a change of the refused index for its write, in milliseconds. */
  storeRefusedWriteDelayMs: 1_000,
  /** Bytes of index segments that one step of compaction reads and writes. */
  storeCompactionBytesMax: 1_048_576,
  /** Pause between two steps of compaction, in milliseconds. */
  storeCompactionPauseMs: 50,
  /** Segments of the log that a store which follows another takes over at once. */
  storeFollowSegmentsMax: 512,
  /** Bytes of segments and their events that it takes over at once; those of a single larger write are taken alone. */
  storeFollowBytesMax: 2_097_152,
  /** Connections to PostgreSQL, for reads and backups; who finds none free waits for `databaseConnectMsMax`. */
  databaseConnectionsMax: 6,
  /** Connections to PostgreSQL for a write, of which one is under way, and for the lease meanwhile. */
  databaseWritingConnectionsMax: 2,
  /** Connections to PostgreSQL of a store that follows another, for what is written there. */
  databaseFollowingConnectionsMax: 1,
  /** How long connecting to PostgreSQL may take, in milliseconds. */
  databaseConnectMsMax: 5_000,
  /** How long a statement may take in PostgreSQL, or a transaction do nothing, in milliseconds; then that ends it. */
  databaseStatementMsMax: 20_000,
  /** How long the answer of PostgreSQL to a statement may take, in milliseconds; then it counts as gone. */
  databaseAnswerMsMax: 25_000,
  /** Pause before a write that failed for a reason that passes is tried again, in milliseconds; it doubles each time. */
  databaseRetryMsMin: 50,
  /** The most of that pause, in milliseconds. */
  databaseRetryMsMax: 2_000,
  /** How long a write may wait for PostgreSQL, in milliseconds, before clients are told that it cannot be made; a stop waits no longer. */
  databaseWaitMsMax: 10_000,
  /** Interval at which it is looked whether writes wait for PostgreSQL, in milliseconds. */
  storeOutageLookMs: 500,
  /** Segments that are read of PostgreSQL at once, of 2 MB at most each. */
  databaseSegmentsPerRead: 16,
  /**
   * Segments at the end of the log in PostgreSQL that compaction leaves alone, those of ten seconds at full speed or more: who
   * follows and is no further behind can go on.
   */
  databaseSegmentsSpared: 4_096,
  /** How long a lease in PostgreSQL holds without being renewed, in milliseconds. */
  leaseMs: 20_000,
  /** Interval at which a lease is renewed, and asked for where another has it, in milliseconds. */
  leaseRenewMs: 5_000,
  /** Other graspd that may follow one that writes. */
  followersMax: 32,
  /** Pause before followers are told that something was written, in milliseconds: what is written meanwhile is told with it. */
  followersToldMs: 5,
  /** Interval at which a follower looks for what is new in the database without being told, in milliseconds. */
  followerLookMs: 1_000,
  /** Interval at which the one that writes says something to its followers, in milliseconds. */
  nodePingMs: 5_000,
  /** How long the one that writes may say nothing, in milliseconds; then its connection is given up. */
  nodePatienceMs: 15_000,
  /** How long a follower waits for what became of an event, in milliseconds, also while another takes over. */
  nodeAnswerMsMax: 40_000,
  /** Pause before a follower connects again, in milliseconds; it doubles each time. */
  nodeRetryMsMin: 100,
  /** The most of that pause, in milliseconds. */
  nodeRetryMsMax: 2_000,
  /** Events of a follower's clients that are on their way to the one that writes. */
  nodeEventsInFlightMax: 2_048,
  /** Bytes of a message from one graspd to another: an event with some words beside it, or all blocked networks. */
  nodeMessageBytesMax: 4_194_304,
  /** Bytes that wait to be sent to a follower; one that reads no more loses its connection. */
  nodeSendBytesMax: 67_108_864,
  /** Requests that a follower passes on at the same time, half of them of one address; others wait. */
  nodeRequestsMax: 256,
  /** Requests that wait for that, half of them of one address; more are answered 503. */
  nodeRequestsWaitingMax: 256,
  /** Faulty events that were told of and stay in the index, and are not told of again. */
  storeFaultsToldMax: 10_000,
  /** Files that LevelDB keeps open, and so mapped into memory, of about 2 MB each. */
  storeOpenFilesMax: 150,
  /**
   * Most refused, superseded or deleted events that are remembered; the oldest give way. Shown by
   * `ngit_store_refused_events`.
   */
  refusedIdsMax: 500_000,
  /** Terms of the index, of some 20 bytes each, that these have together; above it the oldest give way as well. */
  refusedTermsMax: 8_000_000,
  /**
   * Terms that one of them has: author, kind, both, address, and the first values of the tags by which refused events are looked
   * for. One that was stored with more is found by the former only.
   */
  refusedTermsPerEventMax: 64,
  /** Of these, how many are forgotten at once when what they were refused for has gone; the next follow in later turns. */
  refusedForgottenAtOnceMax: 1_000,
  /** Share of them that is kept for what was stored once and is superseded, deleted, expired or removed. */
  refusedRemovedShareMin: 0.5,
  /** Share that is kept for what was superseded, deleted or expired when it arrived. */
  refusedUnwantedShareMin: 0.25,
  /** Share that is kept for what was refused for any other reason. */
  refusedToldShareMin: 0.25,
  /** Reasons of refusal that are told apart in what is counted since the start; the rest are counted together. */
  refusedReasonsCountedMax: 50,
  /** Characters of a reason of refusal that are kept. */
  refusedReasonCharsMax: 200,
} as const;
