use std::{sync::Arc, time::Duration};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt,
    api::PostParams,
    runtime::{
        controller::Action,
        finalizer::{self, Event, finalizer},
    },
};

use crate::widget::{Widget, WidgetStatus};

const FINALIZER: &str = "bench.customdomains.dev/finalizer";

/// What every reconcile shares.
pub struct Context {
    pub client: Client,
    pub http: reqwest::Client,
    pub external_url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the API server refused: {0}")]
    Kube(#[from] kube::Error),
    #[error("the external call failed: {0}")]
    Call(#[from] reqwest::Error),
    #[error("the finalizer failed: {0}")]
    Finalizer(#[source] Box<finalizer::Error<Error>>),
}

/// The finalizer helper decides what is to be done: add the finalizer, apply, or clean up and remove it.
pub async fn reconcile(widget: Arc<Widget>, context: Arc<Context>) -> Result<Action, Error> {
    let namespace = widget.namespace().unwrap_or_default();
    let api: Api<Widget> = Api::namespaced(context.client.clone(), &namespace);
    finalizer(&api, FINALIZER, widget, async |event| match event {
        Event::Apply(widget) => apply(&api, widget, &context).await,
        Event::Cleanup(_) => Ok(Action::await_change()),
    })
    .await
    .map_err(|error| Error::Finalizer(Box::new(error)))
}

pub fn error_policy(_: Arc<Widget>, error: &Error, _: Arc<Context>) -> Action {
    tracing::warn!("{error}");
    Action::requeue(Duration::from_secs(1))
}

async fn apply(api: &Api<Widget>, widget: Arc<Widget>, context: &Context) -> Result<Action, Error> {
    if widget.converged() {
        return Ok(Action::await_change());
    }
    let name = widget.name_any();
    let url = format!("{}/{}/{name}", context.external_url, widget.namespace().unwrap_or_default());
    context.http.get(url).send().await?.error_for_status()?.bytes().await?;

    let mut written = Widget::clone(&widget);
    written.status = Some(WidgetStatus {
        observed_generation: widget.metadata.generation,
        conditions: vec![Condition {
            type_: "Ready".to_string(),
            status: "True".to_string(),
            reason: "Converged".to_string(),
            message: "the external call succeeded".to_string(),
            last_transition_time: Time(Timestamp::now()),
            observed_generation: widget.metadata.generation,
        }],
    });
    api.replace_status(&name, &PostParams::default(), &written).await?;
    Ok(Action::await_change())
}
