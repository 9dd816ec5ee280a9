//! Carries out what the verifier's core wants.

use std::path::Path;

use assay_chain::call::CourtCall;
use assay_chain::exhibit::Exhibit;
use assay_chain::fault::LeafFault;
use assay_encoder::{EncodeRequest, Priority, SimdLevel, Workers};
use assay_p2p::PeerId;
use assay_protocol::assignment::RefusalReason;
use assay_protocol::frames::segment_tree;
use assay_protocol::fraud_proof::{ProofFile, SigningKeys};
use assay_protocol::profile::Profiles;
use assay_protocol::receipt::output_tree;
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{Gossip, ReceiptMessage, encode};
use assay_protocol::{Address, B256};
use assay_verifier::aggregate::aggregate;
use assay_verifier::{self as verifier, Conviction, Input, Note, Output, Recomputation, Urgency};

use crate::driver::{Event, Node, Role};
use crate::evidence::work;
use crate::keeper::prove_key;
use crate::notice::Notice;

impl Node {
    pub(crate) async fn drive_verifier(&mut self, input: Input) {
        let now = self.now();
        let Some(core) = &mut self.verifying else {
            return;
        };
        for output in core.handle(input, now) {
            self.do_verifier(output).await;
        }
    }

    async fn do_verifier(&mut self, output: Output) {
        match output {
            Output::Sign(draft) => self.sign(Role::Verifier, draft),
            Output::Recompute {
                evidence,
                receipt,
                leaves,
                urgency,
            } => {
                self.recompute(&evidence, receipt, leaves, urgency);
            }
            Output::Suspect { evidence, leaf } => self.keep_suspect(evidence, leaf),
            Output::TryLevels { evidence, leaf } => self.try_levels(&evidence, leaf),
            Output::Gossip(message) => {
                if let Gossip::Accusation(signed) = &message {
                    self.tell(Notice::Accused(signed.accusation.leaf())).await;
                }
                self.outlet.publish(&message);
            }
            Output::SendVerdict { to, verdict } => {
                let (network, peer) = (self.network.clone(), self.directory.peer(to));
                let Some(peer) = peer else {
                    return tracing::warn!("no record of accuser {to} yet");
                };
                tokio::spawn(async move {
                    let bytes = encode(&verdict).unwrap_or_default();
                    if let Err(e) = network.send_verdict(peer, bytes).await {
                        tracing::warn!("verdict not delivered to {to}: {e}");
                    }
                });
            }
            Output::ServeSource(hash) => {
                if self.sources.serve(hash) {
                    self.network.allow_blob(hash, []);
                }
            }
            Output::Convict(conviction) => self.convict(*conviction, true).await,
            Output::Absorbed(conviction) => self.convict(*conviction, false).await,
            Output::ReportLeafFault(fault) => self.report_leaf_fault(*fault),
            // The witness has seen both: checks show it all that is signed.
            Output::ReportEquivocation(_) => {}
            Output::Note(note) => self.note(note).await,
        }
    }

    async fn note(&self, note: Note) {
        let notice = match note {
            Note::Drawn(_) | Note::Quorum { .. } => return,
            Note::Sampled { leaf, pass } => Notice::Sampled { leaf, pass },
            Note::Mismatch { leaf, transcoder } => Notice::Mismatch { leaf, transcoder },
            Note::Acquitted(leaf) => Notice::Acquitted(leaf),
            Note::Trouble { receipt, reason } => Notice::Trouble { receipt, reason },
            Note::Duty {
                verifier,
                epoch,
                drawn,
                missed,
            } => Notice::Duty {
                verifier,
                epoch,
                drawn,
                missed,
            },
        };
        self.tell(notice).await;
    }

    /// Whose source it is, and who may have it: its broadcaster first, then every verifier, of whom accusers serve it.
    fn providers(&self, evidence: &ReceiptMessage) -> (Address, Vec<PeerId>) {
        let job = self.read(|state| {
            state
                .jobs
                .get(&evidence.assignment.assignment.jobId)
                .map(|job| job.broadcaster)
        });
        let peer = job.and_then(|account| self.directory.peer(account));
        let verifiers = self.read(|state| {
            let set = state.verifiers(evidence.assignment.assignment.round);
            let seats = set.map(|set| set.seats.iter()).into_iter().flatten();
            seats
                .filter(|seat| seat.operator != self.me)
                .filter_map(|s| self.directory.peer(s.operator))
                .collect::<Vec<_>>()
        });
        let peers = peer.into_iter().chain(verifiers).collect();
        (job.unwrap_or_default(), peers)
    }

    fn profiles_of(&self, evidence: &ReceiptMessage) -> Option<Profiles> {
        self.read(|state| {
            state
                .jobs
                .get(&evidence.assignment.assignment.jobId)
                .map(|job| job.profiles.clone())
        })
    }

    fn recompute(
        &self,
        evidence: &ReceiptMessage,
        receipt: B256,
        leaves: Vec<u32>,
        urgency: Urgency,
    ) {
        let profiles = self.profiles_of(evidence);
        let priority = match urgency {
            Urgency::Sample => Priority::Sample,
            Urgency::Accused => Priority::Accused,
            Urgency::Confirm => Priority::Confirm,
        };
        let (sources, workers, events) = (
            self.sources.clone(),
            self.workers.clone(),
            self.events.clone(),
        );
        let assignment = evidence.assignment.assignment.clone();
        let (broadcaster, providers) = self.providers(evidence);
        tokio::spawn(async move {
            let heard = |leaves, result| {
                Event::Verifier(Input::Recomputed {
                    receipt,
                    leaves,
                    result,
                })
            };
            let mut missing = leaves.clone();
            let finished = async {
                let profiles = profiles.ok_or(RefusalReason::SourceUnavailable)?;
                let lent = sources.lend(&assignment, broadcaster, urgency, providers);
                let lent = lent.await?;
                let source = lent.bytes.clone();
                let mut request = EncodeRequest::whole(source, profiles, assignment.frameCount, 1);
                request.leaves.retain(|leaf| leaves.contains(&leaf.leaf));
                request.want_bytes = false;
                // Each leaf is told as it is done: a wrong one must not wait for the rest.
                let each = workers.encode_each(&request, priority, |roots, leaf| {
                    missing.retain(|index| *index != leaf.leaf);
                    let done = Recomputation {
                        chunk_roots: roots.chunk_roots.clone(),
                        hashes: vec![(leaf.leaf, leaf.output_hash)],
                    };
                    let event = heard(vec![leaf.leaf], Ok(done));
                    let events = events.clone();
                    async move { drop(events.send(event).await) }
                });
                each.await.map_err(|e| {
                    tracing::warn!(%receipt, "recomputation: {e}");
                    e.reason()
                })
            };
            let last = match finished.await {
                Ok(finished) => Event::Notice(Notice::Recomputed {
                    leaves: leaves.len(),
                    cpu: finished.source.decode_cpu + finished.encode_cpu,
                }),
                Err(reason) => heard(missing, Err(reason)),
            };
            let _ = events.send(last).await;
        });
    }

    /// Keeps a receipt of which a leaf differs, off the loop: it takes less time than the second recomputation.
    fn keep_suspect(&self, evidence: Box<ReceiptMessage>, leaf: LeafId) {
        let (suspects, params) = (self.suspects.clone(), self.params.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(e) = suspects.keep(&evidence, leaf, &params) {
                tracing::error!(
                    "leaf {} of receipt {} is forgotten if this node ends: {e}",
                    leaf.index,
                    leaf.receipt
                );
            }
        });
    }

    fn try_levels(&self, evidence: &ReceiptMessage, leaf: LeafId) {
        let Some(profiles) = self.profiles_of(evidence) else {
            return;
        };
        let claimed = evidence
            .receipt
            .leaves
            .get(leaf.index as usize)
            .map(|l| l.output_hash);
        let (sources, workers, events) = (
            self.sources.clone(),
            self.workers.clone(),
            self.events.clone(),
        );
        let assignment = evidence.assignment.assignment.clone();
        let (broadcaster, providers) = self.providers(evidence);
        tokio::spawn(async move {
            let lent = sources.lend(&assignment, broadcaster, Urgency::Accused, providers);
            let Ok(lent) = lent.await else {
                return;
            };
            let source = lent.bytes.clone();
            let Some(request) =
                EncodeRequest::one(source, profiles, assignment.frameCount, leaf.index)
            else {
                return;
            };
            let reproducing = reproducing_level(&workers, request, claimed).await;
            let _ = events
                .send(Event::Verifier(Input::LevelsTried { leaf, reproducing }))
                .await;
        });
    }

    async fn convict(&mut self, conviction: Conviction, submits: bool) {
        let assignment = &conviction.evidence.assignment.assignment;
        let known = self.read(|state| {
            let broadcaster = state.jobs.get(&assignment.jobId)?.broadcaster;
            let keys = SigningKeys::of(state, broadcaster, assignment);
            Some((
                broadcaster,
                keys,
                state.verifiers(assignment.round)?.clone(),
            ))
        });
        let Some((broadcaster, keys, set)) = known else {
            return;
        };
        let proof = match aggregate(&conviction, &set) {
            Ok(proof) => proof,
            Err(e) => {
                return self
                    .tell(Notice::Warning(format!("signatures do not aggregate: {e}")))
                    .await;
            }
        };
        let proven = match proof.verify(&self.domain, &keys, &set) {
            Ok(proven) => proven,
            Err(e) => {
                return self
                    .tell(Notice::Warning(format!("own proof does not hold: {e}")))
                    .await;
            }
        };
        let file = ProofFile::new(self.domain, broadcaster, keys, set, proof.clone());
        let name = format!(
            "{}-{}.json",
            assay_protocol::assignment::short(&proven.receipt_hash),
            proof.leaf_index
        );
        let path = self.folder.join("proofs").join(name);
        if let Err(e) = write_json(&path, &file) {
            self.tell(Notice::Warning(format!("{}: {e}", path.display())))
                .await;
        }
        let notice = Notice::Quorum {
            leaf: conviction.leaf,
            signers: file.signers.len(),
            weight_bps: proven.weight_bps(),
            file: path,
        };
        self.tell(notice).await;
        self.outlet.publish(&Gossip::Proof(Box::new(proof.clone())));
        if !submits {
            return;
        }
        self.submit(
            "prove",
            prove_key(conviction.leaf),
            proven.receipt_hash,
            CourtCall::Prove(Box::new(proof)),
        );
    }

    fn report_leaf_fault(&self, fault: verifier::LeafFault) {
        let Some(profiles) = self.profiles_of(&fault.evidence) else {
            return;
        };
        let Some(leaf) = fault
            .evidence
            .receipt
            .leaves
            .get(fault.index as usize)
            .copied()
        else {
            return;
        };
        let tree = segment_tree(&fault.chunk_roots);
        let receipt = self.domain.digest(&fault.evidence.receipt.receipt);
        let exhibit = Exhibit::LeafFault(Box::new(LeafFault {
            work: work(&fault.evidence),
            leaf,
            leaf_index: fault.index,
            path: output_tree(&fault.evidence.receipt.leaves).path(fault.index),
            profiles: profiles.to_bytes().into(),
            chunk_root: fault
                .chunk_roots
                .get(leaf.chunk as usize)
                .copied()
                .unwrap_or_default(),
            frames_path: tree.path(leaf.chunk),
        }));
        let culprit = fault.evidence.assignment.assignment.transcoder;
        self.keep_evidence(exhibit, culprit, receipt);
    }
}

/// The first SIMD level of this machine that gives the claimed bytes.
async fn reproducing_level(
    workers: &Workers,
    mut request: EncodeRequest,
    claimed: Option<B256>,
) -> Option<u8> {
    for (number, level) in (0u8..).zip(SimdLevel::ALL) {
        request.level = Some(level);
        let encoded: Result<_, RefusalReason> = workers
            .encode(&request, Priority::Accused)
            .await
            .map_err(|e| e.reason());
        let hash = encoded
            .ok()
            .and_then(|e| e.leaves.first().map(|leaf| leaf.output_hash));
        if hash.is_some() && hash == claimed {
            return Some(number);
        }
    }
    None
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    crate::whole::write(path, &text)
}
