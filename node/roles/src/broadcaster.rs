//! The broadcaster: assigns each segment to whom the election names, and the next one where that fails.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::assignment::{
    Assignment, MAX_SOURCE, Refusal, SignedAssignment, Skip, SkipReason,
};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::election::Snapshot;
use assay_protocol::params::Params;
use assay_protocol::payment::SignedTicket;
use assay_protocol::rules::Job;
use assay_protocol::sig::Signature;
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{Address, B256, U256};

mod attempts;
mod payments;
mod room;

use room::Room;

/// A segment's source as stored and inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// BLAKE3 of the bytes.
    pub hash: B256,
    /// Their number.
    pub len: u64,
    /// Root over the chunks' frames roots.
    pub frames_root: B256,
    /// Decoded frames.
    pub frame_count: u32,
}

/// What the broadcaster learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The chain has a new block; its number is the time.
    Block,
    /// The transcoders of a newly opened round; comes before the `Block` that opened it.
    Round(Snapshot),
    /// The next segment, in answer to `WantSegment`.
    Segment(Source),
    /// An operator is frozen, or free again.
    Frozen {
        /// The operator.
        operator: Address,
        /// Whether a case is open.
        frozen: bool,
    },
    /// Whether the chain has stopped this encoder for the present round.
    Stopped(bool),
    /// Answer to `Sign`.
    Signed(Box<Sealed>),
    /// Answer to `Sign` where it could not be written down: it is asked for again with the next block.
    Unsigned(Box<Draft>),
    /// A receipt whose leaves fit its assignment; the hash is the receipt's.
    Receipt(Box<Checked<ReceiptMessage>>),
    /// Answer to `Quote`: the hash of the electee's number for the assignment.
    Quoted {
        /// The assignment.
        assignment: B256,
        /// What its ticket must say.
        rand_hash: B256,
        /// This broadcaster's part of the draw: unknown to the electee when it promised its number.
        nonce: u64,
    },
    /// An electee declines; the signer is it.
    Refusal(Checked<(Refusal, Signature)>),
    /// Every output chunk of an assignment has arrived and has the bytes its receipt states.
    Stored {
        /// The assignment.
        assignment: B256,
    },
    /// A live segment has waited so long that there is hardly time to transcode it: nobody is to be promised it any more.
    Waited {
        /// Segment number.
        seq: u32,
    },
}

/// What the broadcaster wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Hand over the next segment, when there is one.
    WantSegment,
    /// Journal, sign, answer with `Signed`.
    Sign(Draft),
    /// Gossip the assignment and serve the electee the source.
    Publish(Box<SignedAssignment>),
    /// Ask the electee for the hash of its number; answer with `Quoted`.
    Quote {
        /// The electee.
        electee: Address,
        /// The assignment to be paid for.
        assignment: B256,
    },
    /// Send the electee the assignment and what pays for it.
    Assign(Box<SignedAssignment>, Vec<SignedTicket>),
    /// Take output chunks for this receipt; answer with `Stored`.
    Collect(Box<Checked<ReceiptMessage>>),
    /// A segment is complete.
    Delivered {
        /// Segment number.
        seq: u32,
        /// Who made it.
        transcoder: Address,
    },
    /// Nobody delivered a segment.
    Gap {
        /// Segment number.
        seq: u32,
    },
    /// An electee is passed over.
    Skipped {
        /// Segment number.
        seq: u32,
        /// Which and why.
        skip: Skip,
    },
}

struct Flight {
    source: Source,
    leaf_count: u32,
    skips: Vec<Skip>,
    /// Whether an assignment for this segment was ever asked to be signed; an attempt number is used once.
    promised: bool,
    current: Option<Current>,
}

struct Current {
    attempt: u8,
    hash: Option<B256>,
    electee: Address,
    round: u64,
    deadline: u64,
    receipted: bool,
    /// Once signed.
    signed: Option<Box<SignedAssignment>>,
    /// Wei due for it.
    due: U256,
    paid: bool,
}

/// The broadcaster of one job.
pub struct Broadcaster {
    params: Params,
    job: Job,
    encoder_id: B256,
    in_flight: usize,
    room: Room,
    next_seq: u32,
    wanted: usize,
    snapshot: Option<Snapshot>,
    /// The last block heard of. The shell's clock may be ahead of the rounds known here, and an assignment whose
    /// block lies in a round that it does not name is wrong to everybody.
    block: Option<u64>,
    frozen: BTreeSet<Address>,
    /// Whether nothing is assigned now.
    stopped: bool,
    flights: BTreeMap<u32, Flight>,
    /// Paid and not delivered in this round since the last delivery, by electee.
    unearned: BTreeMap<Address, u32>,
    /// What the signer could not write down.
    unsigned: Vec<Draft>,
}

impl Broadcaster {
    /// A broadcaster of `job` that keeps at most `in_flight` segments unfinished, the first one numbered `next_seq`.
    pub fn new(
        params: Params,
        job: Job,
        encoder_id: B256,
        in_flight: usize,
        next_seq: u32,
    ) -> Self {
        Self {
            params,
            job,
            encoder_id,
            in_flight: in_flight.max(1),
            room: Room::default(),
            next_seq,
            wanted: 0,
            snapshot: None,
            block: None,
            frozen: BTreeSet::new(),
            stopped: false,
            flights: BTreeMap::new(),
            unearned: BTreeMap::new(),
            unsigned: Vec::new(),
        }
    }

    /// Whether no segment is unfinished.
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        let mut outputs = match input {
            Input::Block => self.on_block(now),
            Input::Round(snapshot) => {
                self.room.round(snapshot.candidates.len());
                self.snapshot = Some(snapshot);
                // Whoever was away may be back.
                self.unearned.clear();
                Vec::new()
            }
            Input::Segment(source) => self.on_segment(source, now),
            Input::Frozen { operator, frozen } => {
                if frozen {
                    self.frozen.insert(operator)
                } else {
                    self.frozen.remove(&operator)
                };
                Vec::new()
            }
            Input::Stopped(stopped) => {
                self.stopped = stopped;
                Vec::new()
            }
            Input::Signed(sealed) => match (sealed.draft, sealed.seal) {
                (Draft::Assignment(assignment), Seal::Operator(signature)) => {
                    self.on_signed(assignment, sealed.hash, signature)
                }
                (Draft::Payment(ticket), Seal::Operator(signature)) => {
                    self.on_ticket(SignedTicket { ticket, signature })
                }
                _ => Vec::new(),
            },
            Input::Unsigned(draft) => {
                self.unsigned.push(*draft);
                Vec::new()
            }
            Input::Receipt(receipt) => self.on_receipt(receipt, now),
            Input::Quoted {
                assignment,
                rand_hash,
                nonce,
            } => self.on_quoted(assignment, rand_hash, nonce),
            Input::Refusal(refusal) => self.on_refusal(&refusal, now),
            Input::Stored { assignment } => self.on_stored(assignment),
            Input::Waited { seq } => self.on_waited(seq),
        };
        let ends =
            |output: &Output| matches!(output, Output::Delivered { .. } | Output::Gap { .. });
        if outputs.iter().any(ends) {
            outputs.extend(self.assign_waiting(now));
        }
        while self.snapshot.is_some() && self.flights.len() + self.wanted < self.in_flight {
            self.wanted += 1;
            outputs.push(Output::WantSegment);
        }
        outputs
    }

    fn on_segment(&mut self, source: Source, now: Now) -> Vec<Output> {
        self.wanted = self.wanted.saturating_sub(1);
        let seq = self.next_seq;
        self.next_seq += 1;
        let leaf_count = self.job.profiles.leaf_count(source.frame_count);
        // Nobody would follow an assignment of more than a segment may hold.
        let Some(leaf_count) = leaf_count.filter(|_| source.len <= MAX_SOURCE) else {
            return vec![Output::Gap { seq }];
        };
        let flight = Flight {
            source,
            leaf_count,
            skips: Vec::new(),
            promised: false,
            current: None,
        };
        if !self.flights.values().any(Flight::waits) {
            self.room.wake();
        }
        self.flights.insert(seq, flight);
        self.assign_waiting(now)
    }

    fn on_signed(
        &mut self,
        assignment: Assignment,
        hash: B256,
        signature: Signature,
    ) -> Vec<Output> {
        let Some(flight) = self.flights.get_mut(&assignment.seq) else {
            return Vec::new();
        };
        // A seal that comes after its attempt was passed over belongs to nothing.
        let this = |c: &&mut Current| c.hash.is_none() && c.attempt == assignment.attempt;
        let Some(current) = flight.current.as_mut().filter(this) else {
            return Vec::new();
        };
        current.hash = Some(hash);
        let signed = Box::new(SignedAssignment {
            assignment,
            signature,
            skips: flight.skips.clone(),
        });
        current.signed = Some(signed.clone());
        let (electee, due) = (current.electee, current.due);
        let mut outputs = vec![Output::Publish(signed.clone())];
        outputs.extend(self.pay(electee, due, hash, signed));
        outputs
    }

    fn on_receipt(&mut self, receipt: Box<Checked<ReceiptMessage>>, now: Now) -> Vec<Output> {
        let seq = receipt.message.assignment.assignment.seq;
        let answered = receipt.message.receipt.receipt.assignmentHash;
        let flight = self.flights.get_mut(&seq);
        let current = flight.and_then(|flight| flight.current.as_mut());
        let due =
            |c: &&mut Current| c.hash == Some(answered) && !c.receipted && now.block <= c.deadline;
        match current.filter(due) {
            Some(current) => {
                current.receipted = true;
                vec![Output::Collect(receipt)]
            }
            None => Vec::new(),
        }
    }

    fn on_refusal(&mut self, refusal: &Checked<(Refusal, Signature)>, now: Now) -> Vec<Output> {
        let (refusal, signature, signer) = (&refusal.message.0, refusal.message.1, refusal.signer);
        let refused = self.flights.iter().find_map(|(seq, flight)| {
            let current = flight.current.as_ref()?;
            let this = current.hash == Some(refusal.assignmentHash)
                && current.electee == signer
                && !current.receipted;
            this.then_some((*seq, current.deadline))
        });
        let Some((seq, deadline_block)) = refused else {
            return Vec::new();
        };
        let reason = SkipReason::Refused {
            reason: refusal.reason,
            deadline_block,
            signature,
        };
        self.pass_over(seq, reason, now)
    }

    fn on_stored(&mut self, assignment: B256) -> Vec<Output> {
        let stored = self.flights.iter().find_map(|(seq, flight)| {
            let current = flight.current.as_ref()?;
            (current.hash == Some(assignment)).then_some((*seq, current.electee))
        });
        let delivered = stored.map(|(seq, transcoder)| {
            self.flights.remove(&seq);
            self.has_delivered();
            self.unearned.remove(&transcoder);
            Output::Delivered { seq, transcoder }
        });
        delivered.into_iter().collect()
    }
}
