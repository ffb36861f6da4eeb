//! The benchmark's work done by kube-rs, set up as its documentation advises.

mod reconcile;
mod widget;

use std::{env, error::Error, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    runtime::{Config, Controller, Predicate, WatchStreamExt, predicates, reflector, watcher},
};

use crate::{
    reconcile::{Context, error_policy, reconcile},
    widget::Widget,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).init();
    let workers: u16 = env::var("BENCH_WORKERS")?.parse()?;
    let client = Client::try_default().await?;
    let context = Context {
        client: client.clone(),
        http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?,
        external_url: env::var("BENCH_EXTERNAL_URL")?,
    };

    let (reader, writer) = reflector::store();
    let widgets = watcher(Api::<Widget>::all(client), watcher::Config::default().any_semantic())
        .default_backoff()
        .modify(|widget| widget.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects()
        // The helper for finalizers waits for the event of the write that adds one, which leaves the generation as it is.
        .predicate_filter(predicates::generation.combine(predicates::finalizers), Default::default());
    Controller::for_stream(widgets, reader)
        .with_config(Config::default().concurrency(workers))
        .shutdown_on_signal()
        .run(reconcile, error_policy, Arc::new(context))
        .for_each(|_| std::future::ready(()))
        .await;
    Ok(())
}
