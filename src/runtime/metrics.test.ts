import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.testing.ts";
import { Metrics } from "./metrics.ts";
import { Timers } from "./timers.ts";
import { WorkQueue } from "./work-queue.ts";

function queue(clock: ManualClock): WorkQueue {
  return new WorkQueue({ clock, timers: new Timers(clock) });
}

test("gauges of queues are read at scrape time, one series per controller", async () => {
  const metrics = new Metrics();
  const clock = new ManualClock();
  const [busy, idle] = [queue(clock), queue(clock)];
  metrics.watchQueue("busy", busy);
  metrics.watchQueue("idle", idle);
  for (const key of ["a/1", "b/1", "c/1"]) busy.add(key);
  busy.take();
  clock.advance(2_000);
  busy.take();
  clock.advance(1_000);
  const text = await metrics.registry.metrics();
  expect(text).toContain('workqueue_depth{name="busy",controller="busy"} 1\n');
  expect(text).toContain('workqueue_depth{name="idle",controller="idle"} 0\n');
  expect(text).toContain('workqueue_longest_running_processor_seconds{name="busy",controller="busy"} 3\n');
  expect(text).toContain('workqueue_unfinished_work_seconds{name="busy",controller="busy"} 4\n');
  expect(text).toContain('workqueue_longest_running_processor_seconds{name="idle",controller="idle"} 0\n');
});

test("of several watches of one name the one that has been silent for longest is shown", async () => {
  const metrics = new Metrics();
  metrics.watchAge("secrets", () => 2_000);
  metrics.watchAge("secrets", () => 9_000);
  metrics.watchAge("secrets", () => 4_000);
  metrics.watchAge("customdomains", () => 500);
  const text = await metrics.registry.metrics();
  expect(text).toContain('reflector_watch_age_seconds{name="secrets"} 9\n');
  expect(text).toContain('reflector_watch_age_seconds{name="customdomains"} 0.5\n');
});

test("times are in seconds, under the names that dashboards know", async () => {
  const metrics = new Metrics();
  const controller = metrics.controller("customdomain", 32);
  controller.observer.added();
  controller.observer.started(250);
  controller.reconciled("requeue_after", 40);
  metrics.request("PUT", "409", 30);
  metrics.leader("custom-domain-operator", true);
  metrics.listed("customdomains");
  metrics.watchFailed("customdomains", "Expired");
  const text = await metrics.registry.metrics();
  for (const line of [
    'workqueue_adds_total{name="customdomain",controller="customdomain"} 1',
    'workqueue_queue_duration_seconds_sum{name="customdomain",controller="customdomain"} 0.25',
    'workqueue_work_duration_seconds_sum{name="customdomain",controller="customdomain"} 0.04',
    'controller_runtime_reconcile_time_seconds_sum{controller="customdomain"} 0.04',
    'controller_runtime_reconcile_total{controller="customdomain",result="requeue_after"} 1',
    'controller_runtime_max_concurrent_reconciles{controller="customdomain"} 32',
    'rest_client_requests_total{code="409",method="PUT"} 1',
    'rest_client_request_duration_seconds_count{verb="PUT"} 1',
    'leader_election_master_status{name="custom-domain-operator"} 1',
    'reflector_lists_total{name="customdomains"} 1',
    'reflector_watch_errors_total{name="customdomains",reason="Expired"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("two instances in one process know nothing of each other", async () => {
  const [one, two] = [new Metrics(), new Metrics()];
  one.listed("customdomains");
  expect(await two.registry.metrics()).not.toContain('reflector_lists_total{name="customdomains"}');
});
