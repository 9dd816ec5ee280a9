//! Pay, on the wire and on chain: numbers promised, tickets held against the sender's funds, winners redeemed.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_chain::client::Client;
use assay_p2p::PeerId;
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::checked::Checked;
use assay_protocol::payment::{
    Claim, Funds, MAX_TICKETS, SignedTicket, Winner, check_tickets, due, rand_hash,
};
use assay_protocol::round_work::output_pixels;
use assay_protocol::rules::ChainView;
use assay_protocol::wire::{Answer, JobRequest, decode, encode};
use assay_protocol::{Address, B256, U256};
use assay_roles::transcoder::Tender;
use assay_roles::{broadcaster, transcoder};

use crate::driver::{Event, Node, Transcoding};
use crate::notice::Notice;
use crate::validate::Verified;
use crate::winners::{Change, WinnersError};

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
        let waits = |t: &Transcoding| t.core.waits_for_pay(&hash) && !t.tendered.contains(&hash);
        if tickets.is_empty() || !self.transcoding.as_ref().is_some_and(waits) {
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
        // Whoever repeats a public assignment has no tickets for it: only whose are right by themselves makes this node ask
        // the chain.
        let wealth = Funds {
            reserve: U256::MAX,
            ..Funds::default()
        };
        let right = check_tickets(&tickets, &claim, &wealth).is_ok();
        let tender = Tender {
            tickets,
            claim,
            funds: wealth,
            rand,
        };
        if !right {
            return self.on_tender(Box::new(tender)).await;
        }
        if let Some(transcoding) = &mut self.transcoding {
            transcoding.tendered.insert(hash);
        }
        self.look_at_funds(tender);
    }

    /// Asks the chain what stands behind tickets; the answer is an event.
    fn look_at_funds(&self, tender: Tender) {
        let sender = tender.claim.sender;
        let outstanding = self.winners.outstanding(sender);
        let (client, events) = (self.client.clone(), self.events.clone());
        tokio::spawn(async move {
            let hash = tender.claim.assignment_hash;
            // An endpoint that stays silent leaves the assignment unpaid, and it is declined unless they come once more.
            let event = match funds(&client, &tender.claim).await {
                Some(funds) => Event::Tender(Box::new(Tender {
                    funds: Funds {
                        outstanding,
                        ..funds
                    },
                    ..tender
                })),
                None => {
                    tracing::warn!("the chain does not say what {sender} has put up");
                    Event::Untendered(hash)
                }
            };
            let _ = events.send(event).await;
        });
    }

    /// Nothing is looked at any more for this assignment.
    pub(crate) fn on_untendered(&mut self, assignment: &B256) {
        if let Some(transcoding) = &mut self.transcoding {
            transcoding.tendered.remove(assignment);
        }
    }

    pub(crate) async fn on_tender(&mut self, tender: Box<Tender>) {
        self.on_untendered(&tender.claim.assignment_hash);
        self.drive_transcoder(transcoder::Input::Tender(tender))
            .await;
    }

    /// Keeps winners before the receipt is signed that earns them.
    pub(crate) fn keep_winners(&mut self, winners: Vec<Winner>) {
        self.winners.keep(winners);
        self.write_winners();
    }

    /// Writes what is not written yet off the loop; what cannot be is tried again with the next block.
    pub(crate) fn write_winners(&mut self) {
        let (Some(change), events) = (self.winners.unwritten(), self.events.clone()) else {
            return;
        };
        tokio::spawn(async move {
            let commit = tokio::task::spawn_blocking(move || (change.commit(), change));
            let Ok((result, change)) = commit.await else {
                return tracing::error!("winning tickets were not written");
            };
            let _ = events.send(Event::WinnersWritten(change, result)).await;
        });
    }

    pub(crate) async fn on_winners_written(
        &mut self,
        change: Change,
        result: Result<(), WinnersError>,
    ) {
        let winners = change.winners();
        self.winners.written(winners, result.is_ok());
        if let Err(e) = result {
            let text = format!("no receipt is signed before its winning tickets are kept: {e}");
            return self.tell(Notice::Warning(text)).await;
        }
        let hash = |winner: &Winner| self.domain.digest(&winner.ticket.ticket);
        let tickets = winners.iter().map(hash).collect();
        self.tell(Notice::TicketsWon { tickets }).await;
        let earned = winners.iter().map(|w| w.ticket.ticket.assignmentHash);
        for assignment in earned.collect::<BTreeSet<B256>>() {
            self.drive_transcoder(transcoder::Input::Kept(assignment))
                .await;
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
        let parts = client.parts(claim.sender, claim.recipient).await;
        match (sender, parts) {
            (Ok(sender), Ok(parts)) => {
                return Some(Funds {
                    reserve: parts.lasting().0,
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
