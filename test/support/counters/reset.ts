/** Before each file of those that share a process: what a test is given must not depend on the files before it. */
import { resetCounters } from './counter.js';

resetCounters();
