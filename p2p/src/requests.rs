//! Direct streams: what this node has asked, and what it is asked.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use libp2p::request_response::{
    Event as ExchangeEvent, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
};
use tokio::sync::oneshot;

use crate::behaviour::{BLOB_TIMEOUT, JOB_TIMEOUT, MAX_JOB_ANSWER, MAX_VERDICT, VERDICT_TIMEOUT};
use crate::blob::{BlobAnswer, BlobRequest, Refusal};
use crate::event::Event;
use crate::frame::{Malformed, Reply};
use crate::handle::RequestError;
use crate::lanes::{Lane, PER_PEER};
use crate::quota::Spending;
use crate::service::Service;
use crate::standing::Misconduct;

/// Ranges being read and proven at once, over all peers: at most 32 MiB in memory.
const MAX_SERVING: usize = 32;
/// Job messages the node is working on, over all peers: at most 64 MiB.
const MAX_JOBS: usize = 64;
/// Verdicts the node is working on, over all peers.
const MAX_VERDICTS: usize = 512;

type Waiting<T> = HashMap<OutboundRequestId, oneshot::Sender<Result<T, RequestError>>>;

/// An answer that is ready to be sent.
pub(crate) enum Finished {
    Blob(PeerId, ResponseChannel<BlobAnswer>, BlobAnswer),
    Message(Lane, PeerId, ResponseChannel<Reply>, Reply),
}

#[derive(Default)]
pub(crate) struct Requests {
    blobs: Waiting<BlobAnswer>,
    jobs: Waiting<Vec<u8>>,
    verdicts: Waiting<Vec<u8>>,
    working: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// Answers being worked on, in all and per peer.
    load: HashMap<Lane, HashMap<PeerId, usize>>,
}

impl Requests {
    pub(crate) fn asked_blob(
        &mut self,
        id: OutboundRequestId,
        answer: oneshot::Sender<Result<BlobAnswer, RequestError>>,
    ) {
        self.blobs.insert(id, answer);
    }

    pub(crate) fn asked_job(
        &mut self,
        id: OutboundRequestId,
        answer: oneshot::Sender<Result<Vec<u8>, RequestError>>,
    ) {
        self.jobs.insert(id, answer);
    }

    pub(crate) fn asked_verdict(
        &mut self,
        id: OutboundRequestId,
        answer: oneshot::Sender<Result<Vec<u8>, RequestError>>,
    ) {
        self.verdicts.insert(id, answer);
    }

    /// The next answer that is ready; `None` at once when nothing is being worked on.
    pub(crate) async fn next_finished(&mut self) -> Option<Finished> {
        self.working.next().await
    }

    fn start(&mut self, lane: Lane, peer: PeerId, work: BoxFuture<'static, Finished>) {
        *self.load.entry(lane).or_default().entry(peer).or_default() += 1;
        self.working.push(work);
    }

    fn finish(&mut self, lane: Lane, peer: PeerId) {
        let Some(peers) = self.load.get_mut(&lane) else {
            return;
        };
        if let Some(count) = peers.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&peer);
            }
        }
    }

    /// Whether another answer for `peer` may be started.
    fn has_room(&self, lane: Lane, peer: &PeerId) -> bool {
        let max = match lane {
            Lane::Blob => MAX_SERVING,
            Lane::Job => MAX_JOBS,
            Lane::Verdict => MAX_VERDICTS,
        };
        self.load.get(&lane).is_none_or(|peers| {
            let all: usize = peers.values().sum();
            // Twice what an honest peer has under way: its requests over a connection just lost still count.
            all < max && peers.get(peer).is_none_or(|own| *own < 2 * PER_PEER)
        })
    }
}

fn describe(failure: OutboundFailure, lane: Lane) -> RequestError {
    match failure {
        OutboundFailure::DialFailure => RequestError::Unreachable,
        OutboundFailure::Timeout => RequestError::Timeout {
            limit: match lane {
                Lane::Blob => BLOB_TIMEOUT,
                Lane::Job => JOB_TIMEOUT,
                Lane::Verdict => VERDICT_TIMEOUT,
            },
        },
        OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
        OutboundFailure::ConnectionClosed => RequestError::Broken("connection closed".to_owned()),
        OutboundFailure::Io(error) => RequestError::Broken(error.to_string()),
    }
}

impl Service {
    pub(crate) fn on_finished(&mut self, finished: Finished) {
        // A channel that is closed belongs to a peer that has gone or given up.
        match finished {
            Finished::Blob(peer, channel, answer) => {
                self.requests.finish(Lane::Blob, peer);
                let _ = self
                    .swarm
                    .behaviour_mut()
                    .blob
                    .send_response(channel, answer);
            }
            Finished::Message(lane, peer, channel, reply) => {
                self.requests.finish(lane, peer);
                self.reply(lane, channel, reply);
            }
        }
    }

    fn reply(&mut self, lane: Lane, channel: ResponseChannel<Reply>, reply: Reply) {
        let behaviour = self.swarm.behaviour_mut();
        let exchange = if lane == Lane::Verdict {
            &mut behaviour.verdict
        } else {
            &mut behaviour.job
        };
        let _ = exchange.send_response(channel, reply);
    }

    pub(crate) fn on_blob_event(
        &mut self,
        event: ExchangeEvent<Result<BlobRequest, Malformed>, BlobAnswer>,
    ) {
        match event {
            ExchangeEvent::Message {
                peer,
                message:
                    Message::Request {
                        request, channel, ..
                    },
                ..
            } => match request {
                Ok(request) => self.on_blob_request(peer, request, channel),
                Err(malformed) => self.on_malformed(peer, &malformed),
            },
            ExchangeEvent::Message {
                message:
                    Message::Response {
                        request_id,
                        response,
                    },
                ..
            } => {
                if let Some(answer) = self.requests.blobs.remove(&request_id) {
                    let _ = answer.send(Ok(response));
                }
            }
            ExchangeEvent::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some(answer) = self.requests.blobs.remove(&request_id) {
                    let _ = answer.send(Err(describe(error, Lane::Blob)));
                }
            }
            ExchangeEvent::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "answer not delivered");
            }
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    fn is_permitted(&self, request: &BlobRequest, peer: &PeerId) -> bool {
        let permissions = self.permissions.lock();
        let permissions = permissions.unwrap_or_else(PoisonError::into_inner);
        permissions.permits(request.hash, peer)
    }

    fn on_blob_request(
        &mut self,
        peer: PeerId,
        request: BlobRequest,
        channel: ResponseChannel<BlobAnswer>,
    ) {
        let staked = self.standings.is_staked(&peer);
        let refusal = if !self
            .quotas
            .spend(peer, Spending::Range, staked, Instant::now())
        {
            Some(Refusal::Busy)
        } else if !self.is_permitted(&request, &peer) {
            Some(Refusal::NotAuthorised)
        } else if !self.requests.has_room(Lane::Blob, &peer) {
            Some(Refusal::Busy)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let _ = self
                .swarm
                .behaviour_mut()
                .blob
                .send_response(channel, BlobAnswer::Refused(refusal));
            return;
        }
        let server = Arc::clone(&self.server);
        let work = async move {
            let answered = tokio::task::spawn_blocking(move || server.answer(&request)).await;
            let answer = answered.unwrap_or(BlobAnswer::Refused(Refusal::NotFound));
            Finished::Blob(peer, channel, answer)
        };
        self.requests.start(Lane::Blob, peer, Box::pin(work));
    }

    /// Job and verdict exchanges.
    pub(crate) fn on_message_event(
        &mut self,
        lane: Lane,
        event: ExchangeEvent<Result<Vec<u8>, Malformed>, Reply>,
    ) {
        let waiting = if lane == Lane::Verdict {
            &mut self.requests.verdicts
        } else {
            &mut self.requests.jobs
        };
        match event {
            ExchangeEvent::Message {
                peer,
                message:
                    Message::Request {
                        request, channel, ..
                    },
                ..
            } => match request {
                Ok(bytes) => self.on_message_request(lane, peer, bytes, channel),
                Err(malformed) => self.on_malformed(peer, &malformed),
            },
            ExchangeEvent::Message {
                message:
                    Message::Response {
                        request_id,
                        response,
                    },
                ..
            } => {
                if let Some(answer) = waiting.remove(&request_id) {
                    let _ = answer.send(match response {
                        Reply::Payload(bytes) => Ok(bytes),
                        Reply::Busy => Err(RequestError::Busy),
                    });
                }
            }
            ExchangeEvent::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some(answer) = waiting.remove(&request_id) {
                    let _ = answer.send(Err(describe(error, lane)));
                }
            }
            ExchangeEvent::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "answer not delivered");
            }
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    fn on_message_request(
        &mut self,
        lane: Lane,
        peer: PeerId,
        bytes: Vec<u8>,
        channel: ResponseChannel<Reply>,
    ) {
        let staked = self.standings.is_staked(&peer);
        let (spending, limit, max) = match lane {
            Lane::Verdict => (Spending::Verdict, VERDICT_TIMEOUT, MAX_VERDICT),
            _ => (Spending::Job, JOB_TIMEOUT, MAX_JOB_ANSWER),
        };
        let granted = self.quotas.spend(peer, spending, staked, Instant::now());
        if !granted || !self.requests.has_room(lane, &peer) {
            return self.reply(lane, channel, Reply::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let event = match lane {
            Lane::Verdict => Event::Verdict { peer, bytes, reply },
            _ => Event::Job { peer, bytes, reply },
        };
        if self.emit(event).is_err() {
            return self.reply(lane, channel, Reply::Busy);
        }
        // Half a second before the asker gives up, so that it hears why.
        let limit = limit - Duration::from_millis(500);
        let work = async move {
            let reply = match tokio::time::timeout(limit, answer).await {
                Ok(Ok(bytes)) if bytes.len() <= max => Reply::Payload(bytes),
                Ok(Ok(bytes)) => {
                    tracing::error!(found = bytes.len(), max, "answer too large, not sent");
                    Reply::Busy
                }
                Ok(Err(_)) | Err(_) => Reply::Busy,
            };
            Finished::Message(lane, peer, channel, reply)
        };
        self.requests.start(lane, peer, Box::pin(work));
    }

    /// The answer's channel is dropped, which ends the stream.
    fn on_malformed(&mut self, peer: PeerId, malformed: &Malformed) {
        tracing::debug!(%peer, %malformed, "malformed request");
        self.punish(peer, Misconduct::BadMessage);
    }
}
