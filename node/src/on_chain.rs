//! What the chain has news of, told to the cores; then the chores of the block.

use assay_chain::fault::{CaseStatus, FaultKind};
use assay_protocol::B256;
use assay_roles::{broadcaster, transcoder};
use assay_verifier::{self as verifier, certify};

use crate::chain_feed::ChainNews;
use crate::chain_state::{Case, ChainState};
use crate::driver::Node;
use crate::dues::Claim;
use crate::keeper::ANNOUNCE;
use crate::notice::Notice;
use crate::start::Ended;
use crate::winners::Refusal;

impl Node {
    pub(crate) async fn on_chain(&mut self, news: ChainNews) {
        match news {
            ChainNews::Block(number, live) => {
                self.live = live;
                self.on_block(number).await;
            }
            ChainNews::Round(round) => self.on_round(round).await,
            ChainNews::Job(job) => {
                self.fix_seed(job);
                self.begin_publishing().await;
                // Whose job is new was not listened to before.
                self.announce_soon();
            }
            ChainNews::JobGone { job, broadcaster } => {
                if broadcaster == self.me {
                    let text = format!(
                        "job {job} of this node cannot be used any more: nobody wrote its seed down while the block that \
                         gives it was readable; create another one, and keep ETH for its fixing"
                    );
                    tracing::error!("{text}");
                    self.tell(Notice::Warning(text)).await;
                }
            }
            ChainNews::CaseOpened(case) => self.on_case(case).await,
            ChainNews::SignersJoined(case) => {
                let (id, bitmap) = (case.id, case.bitmap);
                self.show_case(case, false);
                self.tell(Notice::SignersJoined { case: id, bitmap }).await;
            }
            ChainNews::RuledGuilty(case) => self.show_case(case, true),
            ChainNews::LeafChallenged {
                leaf,
                transcoder,
                answer_until,
            } => {
                let text = format!(
                    "leaf {} of receipt {} must be opened by block {answer_until}",
                    leaf.index, leaf.receipt
                );
                if transcoder == self.me && self.live {
                    self.tell(Notice::Warning(text)).await;
                }
            }
            ChainNews::EncoderStopped {
                encoder,
                until_round,
            } => self.on_stop(encoder, until_round).await,
            ChainNews::CaseExecuted {
                case,
                slashed,
                burned,
                block,
            } => {
                let (id, operator) = (case.id, case.operator);
                let notice = Notice::Slashed {
                    case: id,
                    operator,
                    slashed: slashed.0,
                    burned: burned.0,
                    block,
                };
                self.tell(notice).await;
                let frozen = self.read(|state| state.frozen(operator));
                self.drive_broadcaster(broadcaster::Input::Frozen { operator, frozen })
                    .await;
                self.claim(&case);
            }
            ChainNews::Rewound(ancestor) => self.on_rewound(ancestor).await,
            ChainNews::TicketPaid {
                ticket,
                recipient,
                paid,
                burned,
                block,
            } => {
                self.winners.paid(ticket, block);
                if recipient == self.me {
                    self.tell(Notice::TicketPaid {
                        ticket,
                        paid,
                        burned,
                    })
                    .await;
                }
            }
            ChainNews::TicketSkipped(ticket) => {
                self.on_unredeemed(vec![(ticket, Refusal::Together)]);
            }
            ChainNews::CaseClosed {
                case,
                status,
                block,
            } => {
                let (id, operator) = (case.id, case.operator);
                let notice = Notice::CaseClosed {
                    case: id,
                    operator,
                    status,
                    block,
                };
                self.tell(notice).await;
                let frozen = self.read(|state| state.frozen(operator));
                self.drive_broadcaster(broadcaster::Input::Frozen { operator, frozen })
                    .await;
                if case.kind.is_transcoders() {
                    self.tell_accused().await;
                }
                if case.kind == FaultKind::WrongEncode {
                    self.keeper.submit_again();
                    let closed = verifier::Input::CaseClosed {
                        leaf: case.leaf(),
                        spared: status == CaseStatus::Spared,
                        block,
                    };
                    self.drive_verifier(closed).await;
                }
            }
            ChainNews::Certified {
                round,
                claims_root,
                pixels,
                duties,
                block,
            } => {
                self.tell(Notice::Certified { round, pixels }).await;
                self.on_certified(round, claims_root, duties, block).await;
            }
            ChainNews::Absent {
                round,
                positions,
                block,
            } => {
                let seat = self.seat_in(round);
                if seat.is_some_and(|position| positions >> position & 1 == 1) {
                    self.dues.jailed(block);
                    if self.live {
                        let text = format!(
                            "absent from round {round}: out of the next snapshot, unless it returns before"
                        );
                        self.tell(Notice::Warning(text)).await;
                    }
                }
            }
            ChainNews::Jailed(operator, block) => {
                if operator == self.me {
                    self.dues.jailed(block);
                }
            }
            ChainNews::Released(operator, block) => {
                if operator == self.me {
                    self.dues.released(block);
                }
            }
            ChainNews::Minted {
                round,
                operator,
                duty,
                amount,
                block,
            } => {
                if operator == self.me {
                    let claim = if duty { Claim::Duty } else { Claim::Work };
                    self.dues.paid(round, claim, block);
                }
                self.tell(Notice::Minted {
                    round,
                    operator,
                    duty,
                    amount: amount.0,
                })
                .await;
            }
            ChainNews::SignerPaid {
                case,
                verifier,
                amount,
            } => {
                self.tell(Notice::SignerPaid {
                    case,
                    verifier,
                    amount: amount.0,
                })
                .await;
            }
            ChainNews::FinderPaid {
                case,
                finder,
                amount,
            } => {
                self.tell(Notice::FinderPaid {
                    case,
                    finder,
                    amount: amount.0,
                })
                .await;
            }
        }
    }

    async fn on_round(&mut self, round: u64) {
        self.tell(Notice::Round(round)).await;
        self.check_authority(round).await;
        let sets = self.read(|state| {
            state
                .rounds
                .get(&round)
                .map(|r| (r.transcoders.clone(), r.verifiers.clone()))
        });
        let Some((transcoders, verifiers)) = sets else {
            return;
        };
        self.look_at_own_funds();
        self.heed_stops().await;
        self.drive_broadcaster(broadcaster::Input::Round(transcoders))
            .await;
        self.drive_verifier(verifier::Input::Round(verifiers)).await;
        self.round_for_certifier(round).await;
        self.begin_publishing().await;
        self.admit();
        // Whose stake begins to count with this round was not listened to before.
        self.announce_soon();
    }

    /// Everything above a block is void: what was done for it may be to do again, and cases in it never were.
    async fn on_rewound(&mut self, ancestor: u64) {
        self.winners.rewind(ancestor);
        self.dues.rewind(ancestor);
        self.keeper.rewind();
        self.drive_verifier(verifier::Input::Rewound(ancestor))
            .await;
        self.drive_certifier(certify::Input::Rewound(ancestor))
            .await;
        self.tell_accused().await;
        // Of some the chain has taken signers back: they may lack this node again.
        let open = |state: &ChainState| -> Vec<Case> {
            let open = state.cases.values().filter(|case| case.takes_signers());
            open.cloned().collect()
        };
        for case in self.read(open) {
            self.show_case(case, false);
        }
        let free: Vec<_> = self.read(|state| {
            let round = state.current().map(|(_, round)| &round.transcoders);
            let all = round.into_iter().flat_map(|set| &set.candidates);
            let free = all.filter(|c| !state.frozen(c.operator));
            free.map(|c| c.operator).collect()
        });
        for operator in free {
            let frozen = false;
            self.drive_broadcaster(broadcaster::Input::Frozen { operator, frozen })
                .await;
        }
    }

    /// Tells the certifier which receipts are accused, anew whenever that may have changed.
    async fn tell_accused(&mut self) {
        let accused = self.read(ChainState::accused);
        self.drive_certifier(certify::Input::Accused(accused)).await;
    }

    /// A case was opened.
    async fn on_case(&mut self, case: Case) {
        let (operator, leaf, block) = (case.operator, case.leaf(), case.opened);
        self.tell(Notice::CaseOpened {
            case: case.id,
            operator,
            leaf,
            bitmap: case.bitmap,
            block,
        })
        .await;
        if case.kind.is_transcoders() {
            self.drive_broadcaster(broadcaster::Input::Frozen {
                operator,
                frozen: true,
            })
            .await;
            self.tell_accused().await;
        }
        // Other kinds of fault absorb nothing.
        if case.kind == FaultKind::WrongEncode {
            self.drive_verifier(verifier::Input::CaseOpened {
                operator,
                leaf,
                block,
            })
            .await;
        }
        self.show_case(case, false);
    }

    async fn on_stop(&mut self, encoder: B256, until_round: u64) {
        self.heed_stops().await;
        if encoder == assay_encoder::encoder_id() && self.live {
            let text = format!(
                "encoder {encoder} is stopped: nothing is assigned or transcoded until round {until_round} has ended"
            );
            self.tell(Notice::Warning(text)).await;
        }
        self.show_stop(encoder);
    }

    /// Tells the cores whether the chain has stopped this node's encoder for the present round.
    async fn heed_stops(&mut self) {
        let stopped = self.read(|state| state.is_stopped(assay_encoder::encoder_id()));
        self.drive_broadcaster(broadcaster::Input::Stopped(stopped))
            .await;
        self.drive_transcoder(transcoder::Input::Stopped(stopped))
            .await;
    }

    /// A key that does not sign for the operator any more must not sign at all: others would take it for an impostor.
    async fn check_authority(&mut self, round: u64) {
        let (key, signer) = (
            self.signer.account(),
            self.read(|state| state.authority.signer_at(self.me, round)),
        );
        if self.live && signer != key {
            let text = format!(
                "from round {round} on {signer} signs for {}, not this node's key {key}: this node ends",
                self.me
            );
            self.tell(Notice::Warning(text)).await;
            self.ended = Some(Ended::Replaced);
        }
    }

    async fn on_block(&mut self, number: u64) {
        self.tell(Notice::Block(number)).await;
        self.witness_block().await;
        // What the past would have had to do with is past.
        if !self.live {
            return;
        }
        self.recall().await;
        self.begin_publishing().await;
        self.drive_broadcaster(broadcaster::Input::Block).await;
        self.drive_transcoder(transcoder::Input::Block).await;
        self.drive_verifier(verifier::Input::Block).await;
        self.drive_certifier(certify::Input::Block).await;
        self.claim_work(number);
        self.return_from_jail();
        self.keep_rolls(number);
        self.look_after_place(number);
        self.retry(number);
        self.open_round(number);
        self.end_cases(number);
        self.submit_orphans(number);
        self.bring_evidence(number);
        self.open_demanded(number);
        self.report_withheld(number);
        self.redeem_due(number).await;
        self.clear_sources(number);
        if self
            .keeper
            .announced
            .is_none_or(|last| last.elapsed() > ANNOUNCE)
        {
            self.announce();
        }
    }
}
