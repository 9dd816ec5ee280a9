//! Carries out what the transcoder's core wants.

use std::time::Duration;

use assay_encoder::{EncodeRequest, EncodedLeaf, Priority};
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::wire::{
    Answer, Gossip, JobRequest, MAX_PART, OutputPart, ReceiptMessage, decode, encode,
};
use assay_protocol::{Address, B256};
use assay_roles::transcoder::{Encoded, Input, Output};

use crate::driver::{Event, Made, Node, Role};
use crate::notice::Notice;

/// Tries to push one piece before giving up: the broadcaster passes over who does not deliver.
const PUSH_TRIES: u32 = 8;

/// Looks for a broadcaster that is not known yet.
const LOOKS: u32 = 12;
/// Pause between two of them: three seconds in all, in which every record has come that ever comes.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

impl Node {
    pub(crate) async fn drive_transcoder(&mut self, input: Input) {
        let now = self.now();
        let Some(transcoding) = &mut self.transcoding else {
            return;
        };
        for output in transcoding.core.handle(input, now) {
            self.do_transcoder(output).await;
        }
    }

    async fn do_transcoder(&mut self, output: Output) {
        match output {
            Output::Sign(draft) => self.sign(Role::Transcoder, draft),
            Output::Transcode {
                assignment,
                hash,
                broadcaster,
            } => self.transcode(assignment, hash, broadcaster, LOOKS),
            Output::Keep(winners) => self.keep_winners(winners),
            Output::Unpaid { assignment, reason } => {
                let why = reason.map_or("no ticket came".into(), |e| e.to_string());
                let text = format!("assignment {assignment} is declined: {why}");
                self.tell(Notice::Warning(text)).await;
            }
            Output::Gossip(Gossip::Receipt(message)) => {
                self.tell_receipt(&message).await;
                self.publish_receipt(message);
            }
            Output::Gossip(message) => self.outlet.publish(&message),
            Output::Refuse {
                to,
                refusal,
                signature,
            } => {
                self.tell(Notice::Refused {
                    reason: refusal.reason,
                })
                .await;
                let request = JobRequest::Refuse { refusal, signature };
                let (network, Some(peer)) = (self.network.clone(), self.directory.peer(to)) else {
                    return;
                };
                tokio::spawn(async move {
                    network
                        .send_job(peer, encode(&request).unwrap_or_default())
                        .await
                });
            }
            Output::Push { to, assignment } => self.push(to, assignment),
            Output::Forget(assignment) => {
                if let Some(transcoding) = &mut self.transcoding {
                    transcoding.outputs.remove(&assignment);
                    if let Some(task) = transcoding.under_way.remove(&assignment) {
                        task.abort();
                    }
                }
            }
        }
    }

    /// Gossips a receipt once its leaves are on disk: they may be demanded of this node, and who cannot open one is slashed.
    fn publish_receipt(&self, message: Box<ReceiptMessage>) {
        let (receipts, outlet) = (self.receipts.clone(), self.outlet.clone());
        let events = self.events.clone();
        let hash = self.domain.digest(&message.receipt.receipt);
        let deadline = message.assignment.assignment.deadlineBlock;
        let until = deadline.saturating_add(self.params.evidence_blocks);
        tokio::spawn(async move {
            let kept = tokio::task::spawn_blocking(move || {
                let kept = receipts.keep(hash, until, &message.receipt.leaves);
                kept.map(|()| message)
            });
            let error = match kept.await {
                Ok(Ok(message)) => return outlet.publish(&Gossip::Receipt(message)),
                Ok(Err(e)) => e.to_string(),
                Err(e) => e.to_string(),
            };
            let text = format!("a receipt is not told, because its leaves are not kept: {error}");
            let _ = events.send(Event::Notice(Notice::Warning(text))).await;
        });
    }

    async fn tell_receipt(&self, message: &ReceiptMessage) {
        let signed = &message.receipt;
        let made = self
            .transcoding
            .as_ref()
            .and_then(|t| t.outputs.get(&signed.receipt.assignmentHash));
        let notice = Notice::Receipted {
            seq: message.assignment.assignment.seq,
            receipt: self.domain.digest(&signed.receipt),
            leaves: signed.leaves.len() as u32,
            tampered: made.map(|made| made.tampered.clone()).unwrap_or_default(),
        };
        self.tell(notice).await;
    }

    /// Fetches and encodes. An assignment comes directly and may overtake the record that says where its broadcaster is:
    /// then this is put off, at most `looks` times.
    pub(crate) fn transcode(
        &mut self,
        signed: Box<SignedAssignment>,
        hash: B256,
        broadcaster: Address,
        looks: u32,
    ) {
        let peer = self.directory.peer(broadcaster);
        if peer.is_none() && broadcaster != self.me && looks > 0 {
            let events = self.events.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LOOK_PAUSE).await;
                let again = Event::Transcode(signed, hash, broadcaster, looks - 1);
                let _ = events.send(again).await;
            });
            return;
        }
        let assignment = signed.assignment;
        let job = self.read(|state| state.jobs.get(&assignment.jobId).cloned());
        let (Some(job), Some(transcoding)) = (job, &self.transcoding) else {
            return;
        };
        let settings = transcoding.settings.clone();
        let providers = peer.into_iter().collect();
        let plant = self.signer.plant(hash);
        let (sources, workers, events) = (
            self.sources.clone(),
            self.workers.clone(),
            self.events.clone(),
        );
        let making = tokio::spawn(async move {
            let mut tampered = Vec::new();
            let encoded = match sources.get(&assignment, broadcaster, providers).await {
                Ok(source) => {
                    let mut request = EncodeRequest::whole(
                        source,
                        job.profiles,
                        assignment.frameCount,
                        settings.threads,
                    );
                    tampered = settings.craft.shape(&assignment, &mut request);
                    workers
                        .encode(&request, Priority::Transcode)
                        .await
                        .map_err(|e| {
                            tracing::warn!(seq = assignment.seq, "transcode: {e}");
                            e.reason()
                        })
                }
                Err(reason) => Err(reason),
            };
            let (outputs, cpu, result) = match encoded {
                Ok(encoded) => {
                    let leaves = encoded.protocol_leaves();
                    let cpu = encoded.cpu();
                    let result = Encoded {
                        chunk_roots: encoded.source.chunk_roots,
                        leaves,
                    };
                    (encoded.leaves, cpu, Ok(result))
                }
                Err(reason) => (Vec::new(), Duration::ZERO, Err(reason)),
            };
            let _ = events.send(Event::Notice(Notice::Transcoded { cpu })).await;
            let made = Made {
                leaves: outputs,
                tampered,
            };
            let input = Input::Transcoded {
                assignment: hash,
                plant,
                result,
            };
            let _ = events
                .send(Event::Encoded(hash, made, Box::new(input)))
                .await;
        });
        if let Some(transcoding) = &mut self.transcoding {
            transcoding.under_way.insert(hash, making.abort_handle());
        }
    }

    /// Gives the output to the broadcaster, the only one that it is made for: it is kept no longer.
    fn push(&mut self, to: Address, assignment: B256) {
        let outputs = self
            .transcoding
            .as_mut()
            .and_then(|t| t.outputs.remove(&assignment));
        let (Some(outputs), Some(peer)) = (outputs, self.directory.peer(to)) else {
            return;
        };
        let network = self.network.clone();
        tokio::spawn(async move {
            for leaf in outputs.leaves {
                for part in parts(assignment, &leaf) {
                    let bytes = encode(&JobRequest::Push(part)).unwrap_or_default();
                    let mut accepted = false;
                    for wait in 0..PUSH_TRIES {
                        let answer = network.send_job(peer, bytes.clone()).await;
                        match answer.as_deref().map(decode::<Answer>) {
                            Ok(Ok(Answer::Accepted)) => {
                                accepted = true;
                                break;
                            }
                            Ok(Ok(_)) => break,
                            _ => {
                                tokio::time::sleep(Duration::from_millis(100 << wait.min(4))).await
                            }
                        }
                    }
                    if !accepted {
                        return tracing::warn!("output of leaf {} was not taken", leaf.leaf);
                    }
                }
            }
        });
    }
}

/// A chunk in pieces that fit a message.
fn parts(assignment_hash: B256, leaf: &EncodedLeaf) -> impl Iterator<Item = OutputPart> {
    let bytes = leaf.bytes.as_deref().unwrap_or_default();
    let (leaf_index, total) = (leaf.leaf, bytes.len() as u32);
    bytes
        .chunks(MAX_PART)
        .enumerate()
        .map(move |(number, piece)| OutputPart {
            assignment_hash,
            leaf_index,
            offset: (number * MAX_PART) as u32,
            total,
            bytes: piece.to_vec(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_chunk() {
        let bytes: Vec<u8> = (0..MAX_PART * 2 + 5).map(|i| i as u8).collect();
        let leaf = EncodedLeaf {
            leaf: 3,
            rendition: 0,
            chunk: 3,
            output_hash: B256::ZERO,
            output_len: bytes.len() as u32,
            units: vec![],
            bytes: Some(bytes.clone()),
        };
        let pieces: Vec<_> = parts(B256::ZERO, &leaf).collect();
        assert_eq!(pieces.len(), 3);
        assert_eq!(
            pieces
                .iter()
                .flat_map(|p| p.bytes.clone())
                .collect::<Vec<_>>(),
            bytes
        );
        assert!(pieces.iter().all(|p| p.bytes.len() <= MAX_PART));
    }
}
