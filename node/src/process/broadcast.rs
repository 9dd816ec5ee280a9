//! What a broadcaster publishes, made ready: what the node must know of it, and the task that feeds it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_chain::client::Client;
use assay_encoder::Workers;
use assay_protocol::U256;
use tokio::sync::mpsc;

use super::ProcessError;
use crate::blobs::BlobFolder;
use crate::clip::ClipError;
use crate::config::BroadcasterConfig;
use crate::publication::Publication;
use crate::settings::{BroadcasterSettings, JobChoice, Offer};

/// Hands the segments of a publication to the node.
pub(super) struct Feed {
    publication: Publication,
    blobs: BlobFolder,
    workers: Workers,
    done: u64,
    offers: mpsc::Sender<Offer>,
    ended: Arc<AtomicBool>,
}

impl Feed {
    /// Publishes to the end.
    ///
    /// # Errors
    /// An input that cannot be read any more.
    pub async fn run(self) -> Result<(), ClipError> {
        let Self {
            publication,
            blobs,
            workers,
            done,
            offers,
            ended,
        } = self;
        // One sender is left until the node is told of the end: what fails or is broken off has none.
        let last = offers.clone();
        publication.run(&blobs, &workers, done, offers).await?;
        ended.store(true, Ordering::Release);
        drop(last);
        Ok(())
    }
}

/// Looks at a file and cuts it, or waits for a live stream; `folder` is the node's.
///
/// # Errors
/// An input or a job that cannot be used.
pub(super) async fn prepare(
    config: &BroadcasterConfig,
    folder: &Path,
    workers: &Workers,
    client: &Client,
) -> Result<(BroadcasterSettings, Feed), ProcessError> {
    let publication = Publication::open(config, folder, workers).await?;
    let job = choose_job(&publication, config, client).await?;
    let (offers, segments) = mpsc::channel(1);
    let progress = publication.progress(&config.output, &job);
    let path = folder.join("blobs");
    let blobs = BlobFolder::open(&path).map_err(|source| ProcessError::Io { path, source })?;
    let feed = Feed {
        blobs,
        workers: workers.clone(),
        done: progress.as_ref().map_or(0, |progress| progress.done()),
        offers,
        ended: Arc::default(),
        publication,
    };
    let settings = BroadcasterSettings {
        job,
        in_flight: config.in_flight(),
        segments,
        ended: feed.ended.clone(),
        output: config.output.clone(),
        keep: config.keep(),
        patience: feed.publication.patience(config),
        progress,
    };
    Ok((settings, feed))
}

/// The configured job, if it is for this video; otherwise one of the node's own.
async fn choose_job(
    publication: &Publication,
    settings: &BroadcasterConfig,
    client: &Client,
) -> Result<JobChoice, ProcessError> {
    let profiles = publication.profiles();
    let Some(id) = settings.job_id() else {
        return Ok(JobChoice::Own {
            profiles: profiles.clone(),
            max_price: U256::from(settings.max_price_per_pixel),
        });
    };
    match client.job(id).await? {
        None => Err(ProcessError::NoJob(id)),
        Some(job) if job.profiles_hash != profiles.hash() => Err(ProcessError::OtherProfiles(id)),
        Some(_) => Ok(JobChoice::Existing(id)),
    }
}
