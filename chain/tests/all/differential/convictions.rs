//! Wrong encodes before the real court: proof, execution, and who is paid of the cut.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use assay_protocol::assignment::Assignment;
use assay_protocol::receipt::{Leaf, Receipt};
use assay_protocol::sample::{Odds, SampleTicket, draws};
use assay_protocol::verdict::Verdict;

use crate::differential::contracts::*;
use crate::differential::mint::{FINDER_BPS, SIGNERS_BPS};
use crate::differential::model::{Actor, Exact, exact};
use crate::differential::run::{OPERATORS, Run};
use crate::differential::tickets::work_of;
use crate::network::profiles;

const EXECUTED: u8 = 2;
const CONTESTED: u8 = 3;
const BPS: u64 = 10_000;

/// A case, whose signers are verifiers of its round.
struct Case {
    id: B256,
    receipt: B256,
    assignment: Assignment,
    seats: Vec<(Actor, U256)>,
    bitmap: u64,
    /// Weight of the round's verifiers without the accused.
    total: U256,
}

impl Run {
    /// A wrong encode from its proof to the last payment.
    pub(crate) fn prosecute(&mut self) {
        let accused = self.random.below(OPERATORS) as usize;
        let seats = self.seats(self.round);
        let others = |seat: &&(Actor, U256)| seat.0 != accused;
        let total: U256 = seats.iter().filter(others).map(|seat| seat.1).sum();
        if self.frozen((0, accused)) || total.is_zero() {
            return;
        }
        // The accused does not count, on neither side.
        let bit = |at: usize| if seats[at].0 == accused { 0 } else { 1 << at };
        let everybody = (0..seats.len()).map(bit).sum::<u64>();
        let some = everybody & self.random.next();
        let weight = |bitmap: u64| -> U256 {
            let signers = seats.iter().enumerate();
            let signers = signers.filter(|(at, _)| bitmap >> at & 1 == 1);
            signers.map(|(_, seat)| seat.1).sum()
        };
        let enough = weight(some) * U256::from(3) >= total * U256::from(2) && some != 0;
        let bitmap = if enough { some } else { everybody };
        let case = self.open_case(accused, seats, bitmap, total);
        self.model.freeze((0, accused));
        self.chain.mine(CASE);
        let court = self.chain.at.court;
        let bps = self.records.entry(accused).or_default().cut(self.round);
        // What the court keeps of the cut is for those whom it rewards.
        let before = self.held_by(court);
        let anyone = self.any_actor();
        let call = executeCall { caseId: case.id };
        let mined = self.chain.run(self.actors[anyone], court, &call);
        let mut block = mined.block;
        let mut status = self.status(&case);
        if status == CONTESTED {
            // More than its signers have at stake: the resolver decides.
            let guilty = self.random.below(3) != 0;
            let call = resolveCall {
                caseId: case.id,
                guilty,
            };
            let (resolver, contests) = (self.chain.at.resolver, self.chain.at.contests);
            block = self.chain.run(resolver, contests, &call).block;
            status = self.status(&case);
            assert_eq!(status == EXECUTED, guilty, "the resolver decides");
        }
        if status != EXECUTED {
            self.model.unfreeze((0, accused), block);
            self.tally.acquitted += 1;
            return;
        }
        let (own_cut, slack) = self.model.own_cut((0, accused), bps);
        self.model.slash((0, accused), bps, block);
        self.model.unfreeze((0, accused), block);
        self.records
            .entry(accused)
            .or_default()
            .convicted(self.round);
        self.tally.convicted += 1;
        let kept = self.held_by(court) - before;
        self.pay_rewards(&case, kept, &own_cut, &slack);
    }

    fn held_by(&mut self, account: Address) -> U256 {
        let token = self.chain.at.token;
        self.chain.read(token, &balanceOfCall { account })
    }

    fn status(&mut self, case: &Case) -> u8 {
        let call = statusOfCall { caseId: case.id };
        self.chain.read(self.chain.at.court, &call)._2
    }

    /// The proof: everything signed by whom it takes.
    fn open_case(
        &mut self,
        accused: Actor,
        seats: Vec<(Actor, U256)>,
        bitmap: u64,
        total: U256,
    ) -> Case {
        let domain = self.chain.domain;
        let leaf = Leaf {
            output_len: 100,
            output_hash: B256::repeat_byte(0xa0),
            ..Leaf::default()
        };
        self.nonce += 1;
        let assignment = Assignment {
            jobId: U256::from(1),
            seq: self.nonce as u32,
            round: self.round,
            transcoder: self.actors[accused],
            profilesHash: profiles().hash(),
            leafCount: 1,
            deadlineBlock: self.chain.now() + DEADLINE,
            ..Assignment::default()
        };
        let assignment_hash = domain.digest(&assignment);
        let receipt = Receipt {
            assignmentHash: assignment_hash,
            outputRoot: leaf.hash(),
            outputBytes: 100,
            ..Receipt::default()
        };
        let receipt_hash = domain.digest(&receipt);
        let recomputed = B256::repeat_byte(0xee);
        let verdict = Verdict {
            receiptHash: receipt_hash,
            leafIndex: 0,
            recomputedHash: recomputed,
        };
        let aggregate = self.together(&seats, bitmap, domain.digest(&verdict));
        let call = proveCall {
            signed: SignedWork {
                broadcasterSignature: self.broadcasters[0].sign(assignment_hash).0.to_vec().into(),
                transcoderSignature: self.keys[accused].sign(receipt_hash).0.to_vec().into(),
                assignment: work_of(&assignment),
                receipt: Answer {
                    assignmentHash: receipt.assignmentHash,
                    outputRoot: receipt.outputRoot,
                    outputBytes: receipt.outputBytes,
                    plant: receipt.plant,
                },
            },
            proof: ChunkPath {
                leaf: Chunk {
                    rendition: leaf.rendition,
                    chunk: leaf.chunk,
                    framesRoot: leaf.frames_root,
                    outputLen: leaf.output_len,
                    outputHash: leaf.output_hash,
                },
                leafIndex: 0,
                path: Vec::new(),
            },
            verdict: QuorumVerdict {
                recomputedHash: recomputed,
                bitmap,
                aggregateSignature: aggregate,
            },
        };
        self.chain.run(self.actors[0], self.chain.at.court, &call);
        Case {
            id: keccak256((U256::ZERO, assignment_hash).abi_encode()),
            receipt: receipt_hash,
            assignment,
            seats,
            bitmap,
            total,
        }
    }

    /// Each signer its part by weight, the finder the lowest draw's, and never more than what was kept for them.
    fn pay_rewards(&mut self, case: &Case, kept: U256, own_cut: &Exact, slack: &Exact) {
        let (court, anyone) = (self.chain.at.court, self.actors[0]);
        let finder = self.find(case);
        let mut left = kept;
        let mut all_paid = true;
        for (position, (verifier, weight)) in case.seats.iter().enumerate() {
            let call = claimSignerCall {
                caseId: case.id,
                position: U256::from(position),
            };
            let signed = case.bitmap >> position & 1 == 1;
            if !signed || self.frozen((1, *verifier)) {
                self.must_refuse(anyone, court, &call);
                all_paid &= !signed;
                continue;
            }
            let account = self.actors[*verifier];
            let before = self.held_by(account);
            self.chain.run(anyone, court, &call);
            let paid = self.held_by(account) - before;
            self.must_refuse(anyone, court, &call);
            let share = part(SIGNERS_BPS) * exact(*weight) / exact(case.total);
            let expected = own_cut * &share;
            self.near("a signer's part", paid, &expected, &(slack * &share));
            self.tally.signers += 1;
            assert!(paid <= left, "signers took more than was kept");
            left -= paid;
        }
        let until = case.assignment.deadlineBlock + EVIDENCE;
        let now = self.chain.now();
        if now < until + 1 {
            self.chain.mine(until + 1 - now);
        }
        let settle = settleFinderCall {
            assignment: work_of(&case.assignment),
        };
        let challenges = self.chain.at.challenges;
        if finder.is_some_and(|finder| self.frozen((1, finder))) {
            return self.must_refuse(anyone, challenges, &settle);
        }
        let before = finder.map(|finder| self.held_by(self.actors[finder]));
        let held = self.held_by(court);
        self.chain.run(anyone, challenges, &settle);
        let paid = held - self.held_by(court);
        if let (Some(finder), Some(before)) = (finder, before) {
            let got = self.held_by(self.actors[finder]) - before;
            assert_eq!(got, paid, "the finder has what the court paid");
            self.tally.finders += 1;
        }
        self.must_refuse(anyone, challenges, &settle);
        let share = part(FINDER_BPS);
        let expected = own_cut * &share;
        self.near("a finder's part", paid, &expected, &(slack * &share));
        assert!(paid <= left, "the finder took more than was kept");
        left -= paid;
        // One base unit for each division that rounds down.
        let dust = U256::from(case.seats.len() + 1);
        assert!(!all_paid || left <= dust, "{left} were kept for nobody");
    }

    /// Signers show their tickets while there is time: the lowest draw is the finder's.
    fn find(&mut self, case: &Case) -> Option<Actor> {
        let (anyone, challenges) = (self.actors[0], self.chain.at.challenges);
        let deadline = case.assignment.deadlineBlock;
        let epoch = deadline / EPOCH;
        let ends = (epoch + 1) * EPOCH;
        let now = self.chain.now();
        if now + 1 < ends {
            self.chain.mine(ends - now - 1);
        }
        let digest = self.chain.domain.digest(&SampleTicket { epoch });
        let total: U256 = case.seats.iter().map(|seat| seat.1).sum();
        let mut lowest: Option<(U256, Actor)> = None;
        for (position, (verifier, weight)) in case.seats.iter().enumerate() {
            if case.bitmap >> position & 1 == 0 || self.chain.now() >= deadline + EVIDENCE {
                continue;
            }
            let ticket = self.bls[*verifier].sign(digest).unwrap();
            let call = claimFinderCall {
                assignment: work_of(&case.assignment),
                position: U256::from(position),
                ticket: ticket.to_evm().unwrap().to_vec().into(),
            };
            let odds = Odds {
                weight: *weight,
                total,
                checks_per_leaf_ppm: CHECKS_PPM,
            };
            let drawn = [ticket.as_bytes(), case.receipt.as_slice(), &[0; 4]].concat();
            let draw = U256::from_be_bytes(keccak256(drawn).0);
            let higher = lowest.is_some_and(|(lowest, _)| draw >= lowest);
            if higher || !draws(&ticket, &case.receipt, 0, &odds) {
                self.must_refuse(anyone, challenges, &call);
                continue;
            }
            self.chain.run(anyone, challenges, &call);
            lowest = Some((draw, *verifier));
        }
        lowest.map(|(_, verifier)| verifier)
    }
}

fn part(bps: u64) -> Exact {
    Exact::new(bps.into(), BPS.into())
}
