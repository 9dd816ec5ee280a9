//! Pay, on the wire and on chain: numbers promised, tickets held against the sender's funds, winners redeemed.

use std::time::Duration;

use assay_chain::call::BrokerCall;
use assay_chain::client::Client;
use assay_p2p::PeerId;
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::checked::Checked;
use assay_protocol::payment::{Claim, Funds, MAX_TICKETS, SignedTicket, Winner, due, rand_hash};
use assay_protocol::round_work::{admits, output_pixels};
use assay_protocol::rules::ChainView;
use assay_protocol::wire::{Answer, JobRequest, decode, encode};
use assay_protocol::{Address, B256, keccak256};
use assay_roles::transcoder::Tender;
use assay_roles::{broadcaster, transcoder};

use crate::driver::{Event, Node};
use crate::notice::Notice;
use crate::validate::Verified;

/// Tries to hear an electee's number, and to hand it its assignment, before its segment is left to the next one in line.
const TRIES: u32 = 8;
/// Pause between two of them, and between two looks at a sender's funds.
const PAUSE: Duration = Duration::from_millis(250);
/// Looks at a sender's funds before the assignment is declined.
const LOOKS: u32 = 4;

impl Node {
    /// What this transcoder answers before tickets are signed: the hash of its number for the assignment, the same
    /// whenever it is asked.
    pub(crate) fn quote(&self, assignment: B256) -> Answer {
        match self.transcoding {
            Some(_) => Answer::Quoted(rand_hash(self.signer.payment_rand(assignment))),
            None => Answer::Ignored,
        }
    }

    /// Asks an electee for the hash of its number.
    pub(crate) fn ask_quote(&self, electee: Address, assignment: B256) {
        let nonce = self.signer.payment_nonce(assignment);
        let quoted = move |rand_hash| {
            Event::Broadcaster(broadcaster::Input::Quoted {
                assignment,
                rand_hash,
                nonce,
            })
        };
        let events = self.events.clone();
        if electee == self.me {
            if let Answer::Quoted(hash) = self.quote(assignment) {
                tokio::spawn(async move { events.send(quoted(hash)).await });
            }
            return;
        }
        let (Some(peer), network) = (self.directory.peer(electee), self.network.clone()) else {
            return;
        };
        tokio::spawn(async move {
            let request = JobRequest::Quote {
                assignment_hash: assignment,
            };
            let bytes = encode(&request).unwrap_or_default();
            for _ in 0..TRIES {
                let answer = network.send_job(peer, bytes.clone()).await;
                if let Ok(Ok(Answer::Quoted(hash))) = answer.as_deref().map(decode::<Answer>) {
                    let _ = events.send(quoted(hash)).await;
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
            tracing::debug!("{electee} names no number for its ticket");
        });
    }

    /// Sends an electee its assignment and what pays for it.
    pub(crate) fn hand_over(&self, signed: Box<SignedAssignment>, tickets: Vec<SignedTicket>) {
        let electee = signed.assignment.transcoder;
        if electee == self.me {
            let checked = self.checker.paid_assignment(&signed, tickets);
            let events = self.events.clone();
            tokio::spawn(async move {
                match checked {
                    Ok(event) => drop(events.send(event).await),
                    Err(e) => tracing::warn!("this node's own assignment: {e}"),
                }
            });
            return;
        }
        let (Some(peer), network) = (self.directory.peer(electee), self.network.clone()) else {
            return;
        };
        tokio::spawn(send_assignment(network, peer, signed, tickets));
    }

    /// An assignment and its tickets have come; their signatures hold.
    pub(crate) async fn on_assigned(
        &mut self,
        assignment: Box<Checked<SignedAssignment>>,
        tickets: Vec<Checked<SignedTicket>>,
    ) {
        let (hash, sender) = (assignment.hash, assignment.signer);
        let object = assignment.message.assignment.clone();
        self.on_verified(Verified::Assignment(assignment)).await;
        if object.transcoder != self.me || object.pricePerPixel.is_zero() {
            return;
        }
        let pixels = self.read(|state| {
            let job = state.jobs.get(&object.jobId)?;
            Some(output_pixels(&job.profiles, object.frameCount))
        });
        let Some(pixels) = pixels else {
            return;
        };
        let rand = self.signer.payment_rand(hash);
        let claim = Claim {
            assignment_hash: hash,
            sender,
            signer: self.read(|state| state.signer_at(sender, object.round)),
            recipient: self.me,
            rand_hash: rand_hash(rand),
            due: due(&object, pixels),
            min_face: self.params.ticket_face_value.0,
        };
        let outstanding = self.winners.outstanding(sender);
        let (client, events) = (self.client.clone(), self.events.clone());
        tokio::spawn(async move {
            // An endpoint that stays silent leaves the assignment unpaid, and it is declined.
            let Some(funds) = funds(&client, &claim).await else {
                return tracing::warn!("the chain does not say what {sender} has deposited");
            };
            let tender = Tender {
                tickets,
                claim,
                funds: Funds {
                    outstanding,
                    ..funds
                },
                rand,
            };
            let _ = events.send(Event::Tender(Box::new(tender))).await;
        });
    }

    pub(crate) async fn on_tender(&mut self, tender: Box<Tender>) {
        self.drive_transcoder(transcoder::Input::Tender(tender))
            .await;
    }

    /// Says in each round what makes transcoders decline this broadcaster's assignments, or earn less by them.
    pub(crate) fn look_at_own_funds(&self) {
        let me = self.me;
        self.look_at_own_cap();
        let pays = self.read(|state| {
            let mut own = state.jobs.values().filter(|job| job.broadcaster == me);
            own.any(|job| !job.max_price.is_zero())
        });
        if !self.live || !pays || (self.publishing.is_none() && self.unborn.is_none()) {
            return;
        }
        let (client, face) = (self.client.clone(), self.params.ticket_face_value);
        tokio::spawn(async move {
            let Ok(funds) = client.sender(me).await else {
                return;
            };
            if let Some(round) = funds.withdraw_round {
                tracing::warn!(
                    "the deposit is asked back for round {round}: transcoders decline; \
                     `assay broadcaster withdraw --cancel` changes that"
                );
            } else if funds.deposit.0.saturating_add(funds.reserve.0) < face.0 {
                tracing::warn!(
                    "a deposit of {} ETH and a reserve of {} ETH do not cover one winner of {face} ETH: transcoders \
                     decline; `assay broadcaster deposit` changes that",
                    funds.deposit,
                    funds.reserve
                );
            }
        });
    }

    /// Work of a job that shuts out much of the stake is not minted, so that nobody is routed work by its price: who is
    /// elected for it earns fees alone.
    fn look_at_own_cap(&self) {
        let publishing = self.publishing.is_some() || self.unborn.is_some();
        if !self.live || !publishing {
            return;
        }
        let (me, bps) = (self.me, self.params.admitted_bps);
        let narrow: Vec<_> = self.read(|state| {
            let Some((_, round)) = state.current() else {
                return Vec::new();
            };
            let own = state.jobs.values().filter(|job| job.broadcaster == me);
            let narrow = own.filter(|job| !admits(&round.transcoders, job.max_price, bps));
            narrow.map(|job| (job.id, job.max_price)).collect()
        });
        for (job, cap) in narrow {
            tracing::warn!(
                "the price cap of job {job}, {cap} wei a pixel, admits less than {bps} basis points of the stake: \
                 its work is not minted, and transcoders may decline; a job with a higher max_price admits more"
            );
        }
    }

    /// Offers winners to the chain whose evidence window has ended.
    pub(crate) async fn redeem_due(&mut self, block: u64) {
        let round = self.read(|state| state.current().map_or(0, |(number, _)| number));
        let evidence = self.params.evidence_blocks;
        let patience = self.params.round_blocks / 4;
        for mut batch in self.winners.due(block, round, evidence, patience) {
            let hashes: Vec<u8> = batch
                .iter()
                .flat_map(|winner| self.domain.digest(&winner.ticket.ticket).0)
                .collect();
            let about = keccak256(&hashes);
            let call = match batch.len() {
                1 => BrokerCall::Redeem(Box::new(batch.remove(0))),
                _ => BrokerCall::RedeemBatch(batch),
            };
            self.submit("redeem", format!("redeem:{about}:{round}"), about, call);
        }
        match self.winners.settle(block) {
            Ok(lost) => {
                for ticket in lost {
                    let text = format!("ticket {ticket} was never paid and is given up");
                    self.tell(Notice::Warning(text)).await;
                }
            }
            Err(e) => tracing::warn!("{e}"),
        }
    }

    /// Keeps winners before the receipt is signed that earns them.
    pub(crate) async fn keep_winners(&mut self, winners: Vec<Winner>) {
        let hash = |winner: &Winner| self.domain.digest(&winner.ticket.ticket);
        let tickets = winners.iter().map(hash).collect();
        match self.winners.keep(winners) {
            Ok(()) => self.tell(Notice::TicketsWon { tickets }).await,
            Err(e) => {
                let text = format!("winning tickets are lost if this node ends: {e}");
                self.tell(Notice::Warning(text)).await;
            }
        }
    }
}

/// Sends an assignment with its tickets until the electee has taken or refused it: a busy node does not answer.
async fn send_assignment(
    network: assay_p2p::Handle,
    peer: PeerId,
    assignment: Box<SignedAssignment>,
    tickets: Vec<SignedTicket>,
) {
    let request = JobRequest::Assign {
        assignment,
        tickets,
    };
    let bytes = encode(&request).unwrap_or_default();
    for _ in 0..TRIES {
        match network.send_job(peer, bytes.clone()).await {
            Ok(_) => return,
            Err(e) => tracing::debug!("assignment not delivered directly: {e}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the chain says of who pays.
async fn funds(client: &Client, claim: &Claim) -> Option<Funds> {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let sender = client.sender(claim.sender).await;
        let reserve = client
            .claimable_reserve(claim.sender, claim.recipient)
            .await;
        match (sender, reserve) {
            (Ok(sender), Ok(reserve)) => {
                return Some(Funds {
                    deposit: sender.deposit.0,
                    reserve: reserve.0,
                    withdraw_round: sender.withdraw_round,
                    ..Funds::default()
                });
            }
            (Err(e), _) | (_, Err(e)) => tracing::debug!("funds of {}: {e}", claim.sender),
        }
    }
    None
}

/// Whether a message carries no more tickets than anybody looks at.
pub(crate) fn few_enough(tickets: &[SignedTicket]) -> bool {
    tickets.len() <= MAX_TICKETS
}
