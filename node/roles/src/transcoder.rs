//! The transcoder: does what it is assigned, once, and answers with a receipt or a refusal.

use std::collections::BTreeMap;

use assay_protocol::assignment::{Refusal, RefusalReason, SignedAssignment};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::frames::segment_tree;
use assay_protocol::params::Params;
use assay_protocol::payment::{Claim, Funds, SignedTicket, TicketError, Winner};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::sig::Signature;
use assay_protocol::wire::{Gossip, ReceiptMessage};
use assay_protocol::{Address, B256};

mod payments;

/// What encoding a whole segment gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Frames roots of all chunks.
    pub chunk_roots: Vec<B256>,
    /// Every leaf in order.
    pub leaves: Vec<Leaf>,
}

/// Tickets as they came with an assignment, and what they are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tender {
    /// The tickets; their signers are recovered.
    pub tickets: Vec<Checked<SignedTicket>>,
    /// What they must say.
    pub claim: Claim,
    /// What stands behind them.
    pub funds: Funds,
    /// This transcoder's number for the assignment.
    pub rand: B256,
}

/// What the transcoder learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The chain has a new block; its number is the time.
    Block,
    /// It is elected; the hash is the assignment's, the signer its broadcaster.
    Assignment(Box<Checked<SignedAssignment>>),
    /// What pays for an assignment; comes after it.
    Tender(Box<Tender>),
    /// Answer to `Transcode`.
    Transcoded {
        /// The assignment.
        assignment: B256,
        /// The receipt's `plant`: random to others, always the same for one assignment.
        plant: B256,
        /// The output, or why there is none.
        result: Result<Encoded, RefusalReason>,
    },
    /// Answer to `Keep`: the winners for this assignment are on disk. None comes while they cannot be.
    Kept(B256),
    /// Whether the chain has stopped this encoder for the present round.
    Stopped(bool),
    /// Answer to `Sign`.
    Signed(Box<Sealed>),
    /// Answer to `Sign` where it could not be written down: it is asked for again with the next block.
    Unsigned(Box<Draft>),
}

/// What the transcoder wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Fetch the source from the broadcaster, encode every leaf, answer with `Transcoded`.
    Transcode {
        /// The assignment.
        assignment: Box<SignedAssignment>,
        /// Its hash.
        hash: B256,
        /// Who serves the source.
        broadcaster: Address,
    },
    /// Journal, sign, answer with `Signed`.
    Sign(Draft),
    /// Journal winners, answer with `Kept`: the receipt that earns them is signed then. Redeem them when the evidence window
    /// has ended.
    Keep(Vec<Winner>),
    /// An assignment is declined because of its tickets.
    Unpaid {
        /// The assignment.
        assignment: B256,
        /// What is wrong with them; none came if there is nothing here.
        reason: Option<TicketError>,
    },
    /// Publish.
    Gossip(Gossip),
    /// Tell the broadcaster that it will not be done.
    Refuse {
        /// The broadcaster.
        to: Address,
        /// The signed object.
        refusal: Refusal,
        /// The signature.
        signature: Signature,
    },
    /// Push every output chunk to the broadcaster.
    Push {
        /// The broadcaster.
        to: Address,
        /// The assignment.
        assignment: B256,
    },
    /// The output of this assignment is not needed any more; if it is still being made, stop.
    Forget(B256),
}

struct Task {
    assignment: Box<SignedAssignment>,
    broadcaster: Address,
    leaves: Vec<Leaf>,
    working: bool,
    /// Last block in which its tickets may come, while they have not.
    unpaid_until: Option<u64>,
    /// What was wrong with those that came last.
    doubt: Option<TicketError>,
    winners: Vec<Winner>,
    /// What is signed as soon as the winners are on disk.
    unsigned: Option<Receipt>,
}

/// The transcoder.
pub struct Transcoder {
    me: Address,
    params: Params,
    encoder_id: B256,
    capacity: usize,
    /// Whether nobody is to work with this encoder now.
    stopped: bool,
    tasks: BTreeMap<B256, Task>,
    /// What the signer could not write down.
    unsigned: Vec<Draft>,
}

impl Transcoder {
    /// A transcoder with this operator account that takes at most `capacity` segments at a time.
    pub fn new(me: Address, params: Params, encoder_id: B256, capacity: usize) -> Self {
        Self {
            me,
            params,
            encoder_id,
            capacity,
            stopped: false,
            tasks: BTreeMap::new(),
            unsigned: Vec::new(),
        }
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        match input {
            Input::Block => self.on_block(now),
            Input::Assignment(assignment) => self.on_assignment(*assignment, now),
            Input::Tender(tender) => self.on_tender(*tender, now),
            Input::Transcoded {
                assignment,
                plant,
                result,
            } => self.on_transcoded(assignment, plant, result, now),
            Input::Kept(assignment) => self.on_kept(assignment, now),
            Input::Stopped(stopped) => {
                self.stopped = stopped;
                Vec::new()
            }
            Input::Signed(sealed) => match (sealed.draft, sealed.seal) {
                (Draft::Receipt(receipt), Seal::Operator(signature)) => {
                    self.on_receipt(receipt, signature)
                }
                (Draft::Refusal(refusal), Seal::Operator(signature)) => {
                    self.on_refusal(refusal, signature)
                }
                _ => Vec::new(),
            },
            Input::Unsigned(draft) => {
                self.unsigned.push(*draft);
                Vec::new()
            }
        }
    }

    fn on_assignment(&mut self, checked: Checked<SignedAssignment>, now: Now) -> Vec<Output> {
        let Checked {
            hash,
            signer,
            message,
        } = checked;
        let assignment = &message.assignment;
        let over = now.block > assignment.deadlineBlock;
        if assignment.transcoder != self.me || over || self.tasks.contains_key(&hash) {
            return Vec::new();
        }
        let free = assignment.pricePerPixel.is_zero();
        let supported = assignment.encoderId == self.encoder_id;
        let waits = !free && supported && !self.stopped;
        let task = Task {
            assignment: Box::new(message),
            broadcaster: signer,
            leaves: Vec::new(),
            working: false,
            unpaid_until: waits.then(|| now.block + self.payment_blocks()),
            doubt: None,
            winners: Vec::new(),
            unsigned: None,
        };
        self.tasks.insert(hash, task);
        if !supported {
            return vec![refuse(hash, RefusalReason::UnsupportedProfile)];
        }
        // What it would sign now may be the fault of the encoder, and cost this operator.
        if self.stopped {
            return vec![refuse(hash, RefusalReason::EncoderStopped)];
        }
        if free { self.begin(hash) } else { Vec::new() }
    }

    /// Starts to work, if there is a hand free.
    fn begin(&mut self, hash: B256) -> Vec<Output> {
        let busy = self.tasks.values().filter(|task| task.working).count();
        let Some(task) = self.tasks.get_mut(&hash) else {
            return Vec::new();
        };
        if busy >= self.capacity {
            return vec![refuse(hash, RefusalReason::Overloaded)];
        }
        task.working = true;
        vec![Output::Transcode {
            assignment: task.assignment.clone(),
            hash,
            broadcaster: task.broadcaster,
        }]
    }

    fn on_transcoded(
        &mut self,
        hash: B256,
        plant: B256,
        result: Result<Encoded, RefusalReason>,
        now: Now,
    ) -> Vec<Output> {
        let Some(task) = self.tasks.get_mut(&hash) else {
            return Vec::new();
        };
        // One answer for one assignment: a second result would be a second receipt.
        if !std::mem::replace(&mut task.working, false) {
            return Vec::new();
        }
        let assignment = &task.assignment.assignment;
        let encoded = match result {
            Ok(encoded) if segment_tree(&encoded.chunk_roots).root() == assignment.framesRoot => {
                encoded
            }
            Ok(_) => return vec![refuse(hash, RefusalReason::FramesRootDiffers)],
            Err(reason) => return vec![refuse(hash, reason)],
        };
        // After the deadline nobody samples or certifies it: a signature would only bind.
        if now.block > assignment.deadlineBlock
            || encoded.leaves.len() != assignment.leafCount as usize
        {
            return vec![Output::Forget(hash)];
        }
        let receipt = Receipt {
            assignmentHash: hash,
            outputRoot: output_tree(&encoded.leaves).root(),
            outputBytes: encoded
                .leaves
                .iter()
                .map(|leaf| u64::from(leaf.output_len))
                .sum(),
            plant,
        };
        task.leaves = encoded.leaves;
        let winners = std::mem::take(&mut task.winners);
        if winners.is_empty() {
            return vec![Output::Sign(Draft::Receipt(receipt))];
        }
        task.unsigned = Some(receipt);
        vec![Output::Keep(winners)]
    }

    fn on_receipt(&mut self, receipt: Receipt, signature: Signature) -> Vec<Output> {
        let hash = receipt.assignmentHash;
        let Some(task) = self.tasks.get_mut(&hash) else {
            return Vec::new();
        };
        let receipt = SignedReceipt {
            receipt,
            signature,
            leaves: std::mem::take(&mut task.leaves),
        };
        let message = ReceiptMessage {
            assignment: (*task.assignment).clone(),
            receipt,
        };
        let push = Output::Push {
            to: task.broadcaster,
            assignment: hash,
        };
        vec![Output::Gossip(Gossip::Receipt(Box::new(message))), push]
    }

    fn on_refusal(&mut self, refusal: Refusal, signature: Signature) -> Vec<Output> {
        let Some(task) = self.tasks.get(&refusal.assignmentHash) else {
            return Vec::new();
        };
        vec![Output::Refuse {
            to: task.broadcaster,
            refusal,
            signature,
        }]
    }

    /// Asks once more for what could not be written down, up to the deadline: after it, it would only bind.
    fn sign_again(&mut self, now: Now) -> Vec<Output> {
        let tasks = &self.tasks;
        let in_time = |draft: &Draft| {
            let assignment = match draft {
                Draft::Receipt(receipt) => receipt.assignmentHash,
                Draft::Refusal(refusal) => refusal.assignmentHash,
                _ => return false,
            };
            let task = tasks.get(&assignment);
            task.is_some_and(|task| now.block <= task.assignment.assignment.deadlineBlock)
        };
        let again = self.unsigned.drain(..).filter(in_time);
        again.map(Output::Sign).collect()
    }

    fn on_block(&mut self, now: Now) -> Vec<Output> {
        let mut outputs = self.sign_again(now);
        outputs.extend(self.decline_unpaid(now));
        for (hash, task) in &mut self.tasks {
            let late = now.block > task.assignment.assignment.deadlineBlock;
            let under_way = task.working || task.unsigned.is_some();
            if late && under_way {
                (task.working, task.unsigned) = (false, None);
                outputs.push(Output::Forget(*hash));
            }
        }
        // Kept a while past the deadline, so that a repeated assignment is not taken for a new one.
        let keep = 4 * self.params.response_blocks;
        let over = |task: &Task| now.block > task.assignment.assignment.deadlineBlock + keep;
        let done: Vec<_> = self
            .tasks
            .iter()
            .filter(|(_, task)| over(task))
            .map(|(hash, _)| *hash)
            .collect();
        for hash in done {
            self.tasks.remove(&hash);
            outputs.push(Output::Forget(hash));
        }
        outputs
    }
}

fn refuse(assignment: B256, reason: RefusalReason) -> Output {
    Output::Sign(Draft::Refusal(Refusal {
        assignmentHash: assignment,
        reason: reason as u8,
    }))
}
