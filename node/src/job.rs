//! The job that a broadcaster publishes in.

use assay_chain::call::JobCall;
use assay_chain::client::Client;
use assay_chain::events::{JobLog, Log};
use assay_chain::queue::TxQueue;
use assay_protocol::U256;
use assay_protocol::record::roles;

use crate::driver::{Event, Node, Unborn};
use crate::notice::Notice;
use crate::settings::{BroadcasterSettings, JobChoice};
use crate::start::StartError;

impl Node {
    /// Becomes a broadcaster: its job is looked for, or created, and then it begins.
    pub(crate) fn publish(&self, settings: BroadcasterSettings) {
        let (client, queue, events) =
            (self.client.clone(), self.queue.clone(), self.events.clone());
        tokio::spawn(async move {
            let event = match own_job(&settings.job, &client, &queue).await {
                Ok(job) => Event::Unborn(Box::new(Unborn {
                    job,
                    settings,
                    waiting_since: None,
                })),
                Err(e) => Event::Notice(Notice::Warning(format!("nothing can be published: {e}"))),
            };
            let _ = events.send(event).await;
        });
    }

    /// The job is there.
    pub(crate) async fn on_unborn(&mut self, unborn: Unborn) {
        if self.publishing.is_some() || self.unborn.is_some() {
            return;
        }
        self.unborn = Some(unborn);
        self.roles |= roles::BROADCASTER;
        self.serve_earlier();
        self.announce();
        self.begin_publishing().await;
    }
}

/// The job's number. The transaction's journal remembers a job of the node's own: the same profiles and price give the
/// same job at every start.
pub(crate) async fn own_job(
    job: &JobChoice,
    client: &Client,
    queue: &TxQueue,
) -> Result<U256, StartError> {
    let (profiles, max_price) = match job {
        JobChoice::Existing(job) => return Ok(*job),
        JobChoice::Own {
            profiles,
            max_price,
        } => (profiles, *max_price),
    };
    let key = format!("job:{}:{max_price}", profiles.hash());
    let call = JobCall::Create {
        profiles: profiles.to_bytes().into(),
        max_price_per_pixel: max_price,
    };
    let mined = queue.run(key, call).await?;
    let events = client.events_of(mined.tx).await?;
    let created = events.into_iter().find_map(|event| match event.what {
        Log::Jobs(JobLog::JobCreated { job, .. }) => Some(job),
        _ => None,
    });
    created.ok_or(StartError::JobUnknown(mined.tx))
}
