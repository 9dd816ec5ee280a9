//! Evidence as files: one kind for each call that takes some, in the JSON that `assay court` reads.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::U256;
use assay_protocol::Address;
use assay_protocol::assignment::Assignment;
use assay_protocol::fraud_proof::ProofFile;
use assay_protocol::params::Params;
use serde::Serialize;

use crate::call::{Call, ChallengeCall, ContestCall, CourtCall};
use crate::challenge::{
    Acquittal, BroadcasterEquivocation, Diverged, EarlyTicket, FalseDivergence, FalsePass,
    FinderClaim, LeafDemand, LeafOpening, PlantReveal,
};
use crate::fault::{Equivocation, LeafFault, VerifierEquivocation};

/// Whom evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concerns {
    /// This operator.
    Operator(Address),
    /// The verifier at a position of a round's set.
    Seat {
        /// The round.
        round: u64,
        /// The position.
        position: u64,
    },
    /// The broadcaster of this job.
    Job(U256),
    /// Several operators, or an encoder.
    Several,
}

/// A name that no kind of evidence has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no evidence of the kind {0:?}; the kinds are the commands of assay court that take a file"
)]
pub struct UnknownKind(String);

/// Makes [`Kind`] and [`Exhibit`] out of one line for each kind.
macro_rules! exhibits {
    ($($(#[$doc:meta])* $kind:ident($content:ty) $name:literal => $call:expr;)+) => {
        /// A kind of evidence; its name is the command's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// As commands and files have it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }

        /// One piece of evidence.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Exhibit {
            $($(#[$doc])* $kind(Box<$content>),)+
        }

        impl Exhibit {
            /// What it is.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)+
                }
            }

            /// Reads the content of a file of this kind.
            ///
            /// # Errors
            /// When it is no JSON or not that of this kind.
            pub fn read(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(Kind::$kind => Self::$kind(serde_json::from_slice(json)?),)+
                })
            }

            /// The call that shows it.
            pub fn call(self) -> Call {
                match self {
                    $(Self::$kind(content) => {
                        let call: fn(Box<$content>) -> Call = $call;
                        call(content)
                    })+
                }
            }
        }
    };
}

exhibits! {
    /// A quorum's proof of a wrong encode.
    Prove(ProofFile) "prove" => |file| CourtCall::Prove(Box::new(file.proof)).into();
    /// A leaf that contradicts its place or the source.
    LeafFault(LeafFault) "leaf-fault" => |e| CourtCall::LeafFault(e).into();
    /// Two receipts for one assignment.
    Equivocation(Equivocation) "equivocation" => |e| CourtCall::Equivocation(e).into();
    /// Two verdicts of a verifier on one leaf.
    VerifierEquivocation(VerifierEquivocation) "verifier-equivocation" => |e| CourtCall::VerifierEquivocation(e).into();
    /// Two assignments of a broadcaster for one attempt.
    BroadcasterEquivocation(BroadcasterEquivocation) "broadcaster-equivocation" => |e| CourtCall::BroadcasterEquivocation(e).into();
    /// A ticket whose epoch has not ended.
    ShowEarlyTicket(EarlyTicket) "show-early-ticket" => |e| ChallengeCall::ShowEarlyTicket(e).into();
    /// A pass that a quorum contradicts.
    FalsePass(FalsePass) "false-pass" => |e| ChallengeCall::FalsePass(e).into();
    /// An accusation that a quorum of passes contradicts.
    Acquit(Acquittal) "acquit" => |e| ChallengeCall::Acquit(e).into();
    /// A divergence that the resolver refuted.
    FalseDivergence(FalseDivergence) "false-divergence" => |e| ChallengeCall::FalseDivergence(e).into();
    /// A claim of the finder's part of a case.
    ClaimFinder(FinderClaim) "claim-finder" => |e| ChallengeCall::ClaimFinder(e).into();
    /// The assignment whose case's finder is paid.
    SettleFinder(Assignment) "settle-finder" => |e| ChallengeCall::SettleFinder(e).into();
    /// A planted fault.
    RevealPlant(PlantReveal) "reveal-plant" => |e| ChallengeCall::RevealPlant(e).into();
    /// Another receipt that is marked with a plant which was revealed.
    SecondPlant(PlantReveal) "second-plant" => |e| ChallengeCall::ShowSecondPlant(e).into();
    /// Work of which a leaf is not known.
    ChallengeLeaf(LeafDemand) "challenge-leaf" => |e| ChallengeCall::ChallengeLeaf(e).into();
    /// A demanded leaf.
    OpenLeaf(LeafOpening) "open-leaf" => |e| ChallengeCall::OpenLeaf(e).into();
    /// Cases enough to stop an encoder.
    Trip(Vec<Assignment>) "trip" => |e| ContestCall::TripByCases(*e).into();
    /// Divergences enough to stop an encoder.
    TripByDivergence(Diverged) "trip-by-divergence" => |e| ContestCall::TripByDivergence(e).into();
    /// Open cases of an encoder that is stopped.
    ContestStopped(Vec<Assignment>) "contest-stopped" => |e| ContestCall::ContestStopped(*e).into();
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let mut all = Self::ALL.iter();
        let found = all.find(|kind| kind.name() == name);
        found.copied().ok_or_else(|| UnknownKind(name.into()))
    }
}

impl Exhibit {
    /// Whom it is about.
    pub fn concerns(&self) -> Concerns {
        let seat = |assignment: &Assignment, position| Concerns::Seat {
            round: assignment.round,
            position,
        };
        match self {
            Self::Prove(e) => Concerns::Operator(e.proof.assignment.transcoder),
            Self::LeafFault(e) => Concerns::Operator(e.work.assignment.transcoder),
            Self::Equivocation(e) => Concerns::Operator(e.work.assignment.transcoder),
            Self::VerifierEquivocation(e) => Concerns::Operator(e.verifier),
            Self::BroadcasterEquivocation(e) => Concerns::Job(e.assignment.jobId),
            Self::ShowEarlyTicket(e) => Concerns::Operator(e.verifier),
            Self::FalsePass(e) => seat(&e.work.assignment, e.position),
            Self::Acquit(e) => seat(&e.work.assignment, e.accuser),
            Self::FalseDivergence(e) => seat(&e.assignment, e.position),
            Self::ClaimFinder(e) => Concerns::Operator(e.assignment.transcoder),
            Self::SettleFinder(e) => Concerns::Operator(e.transcoder),
            Self::RevealPlant(e) | Self::SecondPlant(e) => {
                Concerns::Operator(e.work.assignment.transcoder)
            }
            Self::ChallengeLeaf(e) => Concerns::Operator(e.work.assignment.transcoder),
            Self::OpenLeaf(_)
            | Self::Trip(_)
            | Self::TripByDivergence(_)
            | Self::ContestStopped(_) => Concerns::Several,
        }
    }

    /// The first block in which the contracts take it, where that is known: a ticket counts as shown early while its
    /// epoch lasts.
    pub fn accepted_from(&self, params: &Params) -> u64 {
        match self {
            Self::ShowEarlyTicket(e) => e.epoch.saturating_mul(params.epoch_blocks),
            _ => 0,
        }
    }

    /// The last block in which the contracts take it; `None` where no block of its own bounds it: docs/protocol.md,
    /// section 9.
    pub fn accepted_until(&self, params: &Params) -> Option<u64> {
        let window = |assignment: &Assignment| {
            assignment
                .deadlineBlock
                .saturating_add(params.evidence_blocks)
        };
        Some(match self {
            Self::Prove(e) => window(&e.proof.assignment),
            Self::LeafFault(e) => window(&e.work.assignment),
            Self::Equivocation(e) => window(&e.work.assignment),
            // Both are held to their times.
            Self::BroadcasterEquivocation(e) => window(&e.assignment).min(window(&e.other)),
            Self::Acquit(e) => window(&e.work.assignment),
            Self::ClaimFinder(e) => window(&e.assignment),
            Self::TripByDivergence(e) => window(&e.work.assignment),
            // Afterwards another leaf could not be proven any more.
            Self::RevealPlant(e) => {
                window(&e.work.assignment).saturating_sub(params.challenge_blocks)
            }
            Self::FalsePass(e) if e.fails.is_some() => window(&e.work.assignment),
            Self::FalsePass(e) => window(&e.work.assignment).saturating_add(params.case_blocks),
            Self::ChallengeLeaf(e) => {
                // As long as to answer there is to report silence.
                let answer_and_report = params.challenge_blocks.saturating_mul(2);
                window(&e.work.assignment).saturating_sub(answer_and_report)
            }
            Self::ShowEarlyTicket(e) => {
                let end = e.epoch.saturating_add(1);
                end.saturating_mul(params.epoch_blocks).saturating_sub(1)
            }
            // As long as a case after the reveal at least.
            Self::SecondPlant(_)
            | Self::VerifierEquivocation(_)
            | Self::FalseDivergence(_)
            | Self::SettleFinder(_)
            | Self::OpenLeaf(_)
            | Self::Trip(_)
            | Self::ContestStopped(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(deadline: u64) -> Assignment {
        Assignment {
            deadlineBlock: deadline,
            round: 3,
            ..Default::default()
        }
    }

    #[test]
    fn a_kind_is_found_by_its_name_and_no_other_is() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        assert!("proof".parse::<Kind>().is_err());
    }

    #[test]
    fn what_is_written_is_read_again_and_says_until_when() {
        let params = Params::testnet();
        let two = |deadline| BroadcasterEquivocation {
            assignment: assignment(deadline + 1),
            signature: assay_protocol::sig::Signature([1; 65].into()),
            other: assignment(deadline),
            other_signature: assay_protocol::sig::Signature([2; 65].into()),
        };
        let exhibit = Exhibit::BroadcasterEquivocation(Box::new(two(100)));
        let json = serde_json::to_vec(&exhibit).unwrap();
        assert_eq!(Exhibit::read(exhibit.kind(), &json).unwrap(), exhibit);
        assert!(Exhibit::read(Kind::Trip, &json).is_err());
        assert_eq!(
            exhibit.accepted_until(&params),
            Some(100 + params.evidence_blocks)
        );
        let cases = Exhibit::Trip(Box::new(vec![assignment(7)]));
        let json = serde_json::to_vec(&cases).unwrap();
        assert_eq!(json[0], b'[');
        assert_eq!(Exhibit::read(Kind::Trip, &json).unwrap(), cases);
        let early = Exhibit::ShowEarlyTicket(Box::new(EarlyTicket {
            verifier: Address::ZERO,
            epoch: u64::MAX,
            ticket: assay_protocol::bls::BlsSignature::from_bytes([0; 48]),
        }));
        assert!(early.accepted_until(&params) > Some(1 << 60), "no overflow");
        assert!(early.accepted_from(&params) > 1 << 60, "no overflow");
        let early = Exhibit::ShowEarlyTicket(Box::new(EarlyTicket {
            verifier: Address::ZERO,
            epoch: 3,
            ticket: assay_protocol::bls::BlsSignature::from_bytes([0; 48]),
        }));
        assert_eq!(early.accepted_from(&params), 3 * params.epoch_blocks);
        assert_eq!(
            early.accepted_until(&params),
            Some(4 * params.epoch_blocks - 1)
        );
        assert_eq!(exhibit.accepted_from(&params), 0);
    }
}
