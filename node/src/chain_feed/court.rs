//! What the court and its helpers say: cases, rulings, demands.

use assay_chain::events::{ChallengeLog, ContestLog, CourtLog};
use assay_chain::fault::CaseStatus;
use assay_protocol::verdict::LeafId;

use super::{ChainNews, Feed, patiently};
use crate::chain_state::{Case, Demand};

impl Feed {
    pub(super) async fn on_court(&mut self, log: CourtLog, block: u64) -> Option<ChainNews> {
        match log {
            CourtLog::CaseOpened {
                case,
                kind,
                operator,
                receipt_hash,
                leaf_index,
                bitmap,
            } => {
                let view = patiently(|| self.client.case(case)).await;
                let state = Case {
                    id: case,
                    kind,
                    operator,
                    round: view.map(|view| view.round).unwrap_or_default(),
                    bitmap,
                    joined: Vec::new(),
                    receipt: receipt_hash,
                    leaf: leaf_index,
                    opened: block,
                    executable: view.map_or(u64::MAX, |view| view.executable_at),
                    ended: None,
                    contested: None,
                    joined_by: None,
                    diverged: 0,
                    finder_paid: None,
                };
                self.write().cases.insert(case, state.clone());
                Some(ChainNews::CaseOpened(state))
            }
            CourtLog::SignersJoined { case, bitmap } => {
                let mut state = self.write();
                let case = state.cases.get_mut(&case)?;
                case.join(bitmap, block);
                Some(ChainNews::SignersJoined(case.clone()))
            }
            CourtLog::CaseExecuted {
                case,
                slashed,
                burned,
                ..
            } => {
                let case = self.write().end(case, CaseStatus::Executed, block)?;
                Some(ChainNews::CaseExecuted {
                    case,
                    slashed,
                    burned,
                    block,
                })
            }
            CourtLog::CaseContested { case, cause, .. } => {
                if let Some(case) = self.write().cases.get_mut(&case) {
                    case.contested = Some((block, cause));
                }
                None
            }
            CourtLog::CaseClosed { case, status, .. } => {
                let case = self.write().end(case, status, block)?;
                Some(ChainNews::CaseClosed {
                    case,
                    status,
                    block,
                })
            }
            CourtLog::SignerPaid {
                case,
                verifier,
                amount,
            } => Some(ChainNews::SignerPaid {
                case,
                verifier,
                amount,
            }),
            CourtLog::FinderPaid {
                case,
                finder,
                amount,
            } => {
                if let Some(case) = self.write().cases.get_mut(&case) {
                    case.finder_paid = Some(block);
                }
                Some(ChainNews::FinderPaid {
                    case,
                    finder,
                    amount,
                })
            }
            CourtLog::BroadcasterEquivocated { .. } => None,
        }
    }

    pub(super) fn on_contests(&mut self, log: ContestLog, block: u64) -> Option<ChainNews> {
        match log {
            ContestLog::Resolved { case, guilty: true } => {
                let state = self.write();
                state.cases.get(&case).cloned().map(ChainNews::RuledGuilty)
            }
            // Of a case that the accused has contested before, a cause that others give it.
            ContestLog::ContestBegun { case, cause, .. } => {
                if let Some(case) = self.write().cases.get_mut(&case) {
                    case.join_contest(cause, block);
                }
                None
            }
            ContestLog::DivergersHeld { case, bitmap, .. } => {
                if let Some(case) = self.write().cases.get_mut(&case) {
                    case.diverged = bitmap;
                }
                None
            }
            ContestLog::EncoderStopped {
                encoder,
                until_round,
                ..
            } => {
                self.write().stop(encoder, until_round, block);
                Some(ChainNews::EncoderStopped {
                    encoder,
                    until_round,
                })
            }
            _ => None,
        }
    }

    pub(super) fn on_challenges(&mut self, log: ChallengeLog, block: u64) -> Option<ChainNews> {
        match log {
            ChallengeLog::LeafChallenged {
                receipt,
                leaf_index,
                transcoder,
                answer_until,
                ..
            } => {
                let leaf = LeafId {
                    receipt,
                    index: leaf_index,
                };
                let demand = Demand {
                    transcoder,
                    answer_until,
                    since: block,
                    opened: None,
                };
                self.write().demands.insert(leaf, demand);
                Some(ChainNews::LeafChallenged {
                    leaf,
                    transcoder,
                    answer_until,
                })
            }
            ChallengeLog::LeafOpened {
                receipt,
                leaf_index,
            } => {
                let leaf = LeafId {
                    receipt,
                    index: leaf_index,
                };
                if let Some(demand) = self.write().demands.get_mut(&leaf) {
                    demand.opened = Some(block);
                }
                None
            }
            _ => None,
        }
    }
}
