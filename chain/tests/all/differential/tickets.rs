//! Tickets of broadcasters and what is paid for them: one by one or in batches, all of their value or a part.

use alloy_primitives::{B256, U256, keccak256};
use assay_protocol::assignment::Assignment;
use assay_protocol::payment::{PaymentTicket, rand_hash};

use crate::differential::broadcasters::wei;
use crate::differential::contracts::*;
use crate::differential::model::Actor;
use crate::differential::purses::Payment;
use crate::differential::run::{BROADCASTERS, OPERATORS, Run};

/// Winners of each kind that are kept to be tried again.
const KEPT: usize = 12;

/// A winner, and whose it is.
#[derive(Clone)]
pub struct Drawn {
    hash: B256,
    broadcaster: usize,
    recipient: Actor,
    value: U256,
    round: u64,
    redemption: Redemption,
}

impl Run {
    /// A winner of a broadcaster for a transcoder's work in some block that is long enough ago, signed.
    fn draw(&mut self, early: bool) -> Option<Drawn> {
        let round = self.some_round();
        let now = self.chain.now();
        let (first, next) = (self.opened[round as usize], round as usize + 1);
        let mut last = self.opened.get(next).map_or(now, |next| next - 1);
        // Payable from the block behind the evidence window on.
        let payable = now.saturating_sub(DEADLINE + EVIDENCE + 1);
        if early {
            if last <= payable + 1 {
                return None;
            }
        } else {
            last = last.min(payable);
        }
        if last < first {
            return None;
        }
        let signed = if early {
            last
        } else {
            first + self.random.below(last - first + 1)
        };
        let (broadcaster, recipient) = (
            self.any_broadcaster(),
            self.random.below(OPERATORS) as usize,
        );
        let assignment = Assignment {
            jobId: U256::from(1),
            seq: self.nonce as u32,
            round,
            transcoder: self.actors[recipient],
            deadlineBlock: signed + DEADLINE,
            ..Assignment::default()
        };
        self.nonce += 1;
        let rand = keccak256(self.random.next().to_be_bytes());
        let value = wei(self.random.next());
        let key = &self.broadcasters[broadcaster];
        let ticket = PaymentTicket {
            assignmentHash: self.chain.domain.digest(&assignment),
            recipient: self.actors[recipient],
            sender: key.address(),
            faceValue: value,
            winProb: U256::MAX,
            nonce: self.nonce,
            recipientRandHash: rand_hash(rand),
        };
        let hash = self.chain.domain.digest(&ticket);
        Some(Drawn {
            hash,
            broadcaster,
            recipient,
            value,
            round,
            redemption: Redemption {
                signature: key.sign(hash).0.to_vec().into(),
                recipientRand: rand,
                assignment: work_of(&assignment),
                ticket: ticket_of(&ticket),
            },
        })
    }

    /// One that could not be paid before, or a new one.
    fn some_winner(&mut self) -> Option<Drawn> {
        if !self.waiting.is_empty() && self.random.below(4) == 0 {
            let at = self.random.below(self.waiting.len() as u64) as usize;
            return Some(self.waiting.swap_remove(at));
        }
        self.draw(false)
    }

    /// What the model pays for it; nothing is paid twice.
    fn pay(&mut self, drawn: &Drawn, asks_itself: bool) -> Option<Payment> {
        let weights = self.parting(drawn.broadcaster);
        let purse = &mut self.model.purses[drawn.broadcaster];
        let payment = purse.pay(drawn.recipient, drawn.value, asks_itself, &weights)?;
        self.tally.whole += u64::from(payment.paid == drawn.value);
        self.tally.partly += u64::from(payment.paid != drawn.value);
        self.tally.of_reserves += u64::from(!payment.from_reserve.is_zero());
        Some(payment)
    }

    fn keep(&mut self, drawn: Drawn, paid: bool) {
        let kept = if paid {
            &mut self.spent
        } else {
            &mut self.waiting
        };
        kept.push(drawn);
        if kept.len() > KEPT {
            kept.remove(0);
        }
    }

    pub(crate) fn redeem(&mut self) {
        let broker = self.chain.at.broker;
        let anyone = self.any_actor();
        match self.random.below(8) {
            // Before the evidence window closes, a second time, with another's number.
            0 => {
                let Some(early) = self.draw(true) else { return };
                let call = redeemCall {
                    redemption: early.redemption,
                };
                return self.must_refuse(self.actors[early.recipient], broker, &call);
            }
            1 => {
                let Some(spent) = self.spent.last() else {
                    return;
                };
                let call = redeemCall {
                    redemption: spent.redemption.clone(),
                };
                return self.must_refuse(self.actors[anyone], broker, &call);
            }
            2 => {
                let Some(mut wrong) = self.draw(false) else {
                    return;
                };
                wrong.redemption.recipientRand = B256::ZERO;
                let call = redeemCall {
                    redemption: wrong.redemption,
                };
                return self.must_refuse(self.actors[wrong.recipient], broker, &call);
            }
            _ => {}
        }
        let Some(drawn) = self.some_winner() else {
            return;
        };
        let caller = if self.random.below(2) == 0 {
            anyone
        } else {
            drawn.recipient
        };
        let call = redeemCall {
            redemption: drawn.redemption.clone(),
        };
        let from = self.actors[caller];
        let Some(payment) = self.pay(&drawn, caller == drawn.recipient) else {
            self.must_refuse(from, broker, &call);
            return self.keep(drawn, false);
        };
        let mined = self.chain.run(from, broker, &call);
        self.hold_purse(drawn.broadcaster);
        let payments = [(drawn.round, payment.credited())];
        self.credited(drawn.recipient, &payments, mined.block);
        self.keep(drawn, true);
    }

    /// Several at once, perhaps one of them twice: what cannot be paid is passed over.
    pub(crate) fn redeem_batch(&mut self) {
        let mut batch = Vec::new();
        for _ in 0..2 + self.random.below(3) {
            batch.extend(self.some_winner());
        }
        let Some(first) = batch.first().cloned() else {
            return;
        };
        if self.random.below(3) == 0 {
            batch.push(first.clone());
        }
        batch.extend(self.spent.last().cloned());
        let caller = if self.random.below(3) == 0 {
            self.any_actor()
        } else {
            first.recipient
        };
        let before: Vec<B256> = self.spent.iter().map(|drawn| drawn.hash).collect();
        let mut paid = before.clone();
        // In the order of the batch; what follows one another for the same recipient and round comes in one sum.
        let mut sums: Vec<(Actor, u64, U256)> = Vec::new();
        for drawn in &batch {
            if sums.last().map(|sum| (sum.0, sum.1)) != Some((drawn.recipient, drawn.round)) {
                sums.push((drawn.recipient, drawn.round, U256::ZERO));
            }
            if paid.contains(&drawn.hash) {
                continue;
            }
            if let Some(payment) = self.pay(drawn, caller == drawn.recipient) {
                paid.push(drawn.hash);
                if let Some(sum) = sums.last_mut() {
                    sum.2 += payment.credited();
                }
            }
        }
        let call = redeemBatchCall {
            redemptions: batch.iter().map(|drawn| drawn.redemption.clone()).collect(),
        };
        let broker = self.chain.at.broker;
        let mined = self.chain.run(self.actors[caller], broker, &call);
        for broadcaster in 0..BROADCASTERS as usize {
            self.hold_purse(broadcaster);
        }
        sums.retain(|sum| !sum.2.is_zero());
        for operator in 0..OPERATORS as usize {
            let of = sums.iter().filter(|sum| sum.0 == operator);
            let payments: Vec<_> = of.map(|sum| (sum.1, sum.2)).collect();
            self.credited(operator, &payments, mined.block);
        }
        let mut seen = before;
        for drawn in batch {
            if seen.contains(&drawn.hash) {
                continue;
            }
            seen.push(drawn.hash);
            let call = isRedeemedCall {
                ticketHash: drawn.hash,
            };
            let is_paid = paid.contains(&drawn.hash);
            assert_eq!(self.chain.read(broker, &call), is_paid, "is it paid");
            self.keep(drawn, is_paid);
        }
    }
}

fn ticket_of(ticket: &PaymentTicket) -> Ticket {
    Ticket {
        assignmentHash: ticket.assignmentHash,
        recipient: ticket.recipient,
        sender: ticket.sender,
        faceValue: ticket.faceValue,
        winProb: ticket.winProb,
        nonce: ticket.nonce,
        recipientRandHash: ticket.recipientRandHash,
    }
}

pub fn work_of(assignment: &Assignment) -> Work {
    Work {
        jobId: assignment.jobId,
        seq: assignment.seq,
        attempt: assignment.attempt,
        round: assignment.round,
        transcoder: assignment.transcoder,
        sourceHash: assignment.sourceHash,
        sourceLen: assignment.sourceLen,
        framesRoot: assignment.framesRoot,
        frameCount: assignment.frameCount,
        profilesHash: assignment.profilesHash,
        encoderId: assignment.encoderId,
        leafCount: assignment.leafCount,
        pricePerPixel: assignment.pricePerPixel,
        deadlineBlock: assignment.deadlineBlock,
    }
}
