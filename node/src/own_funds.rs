//! What a broadcaster's node looks at when a round begins: whether its reserve and its price cap do for most of the stake.

use assay_chain::broker::{Announced, Parting, Parts};
use assay_chain::call::BrokerCall;
use assay_chain::client::Client;
use assay_chain::queue::TxQueue;
use assay_protocol::amount::Eth;
use assay_protocol::election::Snapshot;
use assay_protocol::payment::Funds;
use assay_protocol::round_work::admits;
use assay_protocol::{Address, U256};

use crate::driver::Node;

impl Node {
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
        let (client, queue) = (self.client.clone(), self.queue.clone());
        let face = self.params.ticket_face_value;
        let bps = U256::from(self.params.admitted_bps);
        let stakes = self.read(|state| state.current().map(|(_, round)| round.transcoders.clone()));
        tokio::spawn(async move {
            let Ok(funds) = client.sender(me).await else {
                return;
            };
            if let Some(round) = funds.withdraw_round {
                return tracing::warn!(
                    "the deposit is asked back for round {round}: transcoders decline; \
                     `assay broadcaster withdraw --cancel` changes that"
                );
            }
            let Some(stakes) = stakes else {
                return;
            };
            let announced = part_anew(&client, &queue, me, funds.reserve, face, &stakes).await;
            let Some(parts) = parts(&client, me, &stakes).await else {
                return;
            };
            let lasting = parts.iter().map(|(weight, part)| (*weight, part.lasting()));
            let covered = covered(lasting, face);
            if covered * U256::from(10_000) < stakes.total() * bps {
                let soon = announced.map_or(String::new(), |announced| {
                    format!(
                        "; parts by the present stakes are announced for block {}",
                        announced.from
                    )
                });
                tracing::warn!(
                    "a reserve of {} ETH covers a winner of {face} ETH for less than two thirds of the stake: the other \
                     transcoders decline; `assay broadcaster deposit --reserve` changes that{soon}",
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
}

/// Has the reserve parted by the present stakes where that covers more of them; says which parts are announced then.
async fn part_anew(
    client: &Client,
    queue: &TxQueue,
    me: Address,
    reserve: Eth,
    face: Eth,
    stakes: &Snapshot,
) -> Option<Announced> {
    // No more than these two: what was announced holds, and what is new since then is announced.
    for _ in 0..2 {
        let parting = client.parting(me).await.ok()?;
        let announced = parting.as_ref().and_then(|parting| parting.announced);
        let next_block = client.head().await.ok()?.number + 1;
        let parts = parts(client, me, stakes).await?;
        let key = match step(parting.as_ref(), reserve, next_block, &parts, face) {
            Step::Wait => return announced,
            Step::Announce => format!("announce parts:{me}:{}", stakes.round),
            Step::Hold(announced) => format!("part anew:{me}:{}", announced.from),
        };
        if let Err(e) = queue
            .run(key, BrokerCall::PartAnew { broadcaster: me })
            .await
        {
            tracing::warn!("the reserve is not parted anew: {e}");
            return announced;
        }
    }
    client.parting(me).await.ok()??.announced
}

/// What is done about the parts of a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing now.
    Wait,
    /// Parts by the present stakes are announced; where nobody has one, they hold at once.
    Announce,
    /// The announced parts hold.
    Hold(Announced),
}

/// Who is new since the reserve was parted has no part of it, who has grown a small one; who has taken its own has none
/// either, so nothing is told of a reserve that is not full, of which nothing is parted anew anyway.
fn step(
    parting: Option<&Parting>,
    reserve: Eth,
    next_block: u64,
    parts: &[(U256, Parts)],
    face: Eth,
) -> Step {
    let Some(parting) = parting else {
        // What others have put up has no parts before the broadcaster says so.
        return match reserve.0.is_zero() {
            true => Step::Wait,
            false => Step::Announce,
        };
    };
    match parting.announced {
        _ if reserve < parting.whole => Step::Wait,
        Some(announced) if announced.from <= next_block => Step::Hold(announced),
        Some(_) => Step::Wait,
        None => {
            let total: U256 = parts.iter().map(|(weight, _)| *weight).sum();
            let anew = |weight: U256| Eth(parting.whole.0 * weight / total.max(U256::ONE));
            let present = parts.iter().map(|(weight, part)| (*weight, part.present));
            let next = parts.iter().map(|(weight, _)| (*weight, anew(*weight)));
            match covered(next, face) > covered(present, face) {
                true => Step::Announce,
                false => Step::Wait,
            }
        }
    }
}

/// Weight of those who count on a winner of this face value, each by its part of the reserve.
fn covered(parts: impl Iterator<Item = (U256, Eth)>, face: Eth) -> U256 {
    parts
        .filter(|(_, part)| covers(part.0, face.0))
        .map(|(weight, _)| weight)
        .sum()
}

/// Each transcoder's weight, and what the reserve would pay it.
async fn parts(client: &Client, payer: Address, stakes: &Snapshot) -> Option<Vec<(U256, Parts)>> {
    let mut parts = Vec::new();
    for candidate in &stakes.candidates {
        let part = client.parts(payer, candidate.operator).await;
        parts.push((candidate.weight, part.ok()?));
    }
    Some(parts)
}

/// Whether a transcoder with this part of the reserve counts on one winner.
fn covers(part: U256, face: U256) -> bool {
    let funds = Funds {
        reserve: part,
        ..Funds::default()
    };
    funds.cover() >= face
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: u64 = 50;

    fn eth(wei: u64) -> Eth {
        Eth(U256::from(wei))
    }

    /// What is done about a whole of 12 wei where a winner is worth one.
    fn told(announced: bool, reserve: u64, next_block: u64, parts: &[u64]) -> Step {
        let parting = Parting {
            whole: eth(12),
            round: 1,
            announced: announced.then_some(Announced {
                round: 2,
                from: FROM,
            }),
        };
        let part = |part: &u64| Parts {
            present: eth(*part),
            next: eth(*part),
        };
        let parts: Vec<_> = parts.iter().map(|wei| (U256::from(1), part(wei))).collect();
        step(Some(&parting), eth(reserve), next_block, &parts, eth(1))
    }

    #[test]
    fn parts_are_announced_where_present_stakes_would_cover_more() {
        assert_eq!(told(false, 12, 9, &[6, 6]), Step::Wait);
        assert_eq!(told(false, 12, 9, &[6, 6, 0]), Step::Announce);
        // Somebody who has left has nearly all of it.
        assert_eq!(told(false, 12, 9, &[1, 1, 1]), Step::Announce);
        assert_eq!(told(false, 12, 9, &[10, 2]), Step::Wait);
        // Of thirteen none would count on a winner.
        assert_eq!(told(false, 12, 9, &[0; 13]), Step::Wait);
        assert_eq!(step(None, eth(0), 9, &[], eth(1)), Step::Wait);
        assert_eq!(step(None, eth(1), 9, &[], eth(1)), Step::Announce);
        // Who has none may have taken its own.
        assert_eq!(told(false, 6, 9, &[6, 0]), Step::Wait);
    }

    #[test]
    fn announced_parts_hold_once_they_may_and_nothing_is_missing() {
        let announced = Announced {
            round: 2,
            from: FROM,
        };
        assert_eq!(told(true, 12, FROM - 1, &[6, 0]), Step::Wait);
        assert_eq!(told(true, 11, FROM, &[5, 0]), Step::Wait);
        assert_eq!(told(true, 12, FROM, &[6, 0]), Step::Hold(announced));
        assert_eq!(told(true, 12, FROM + 9, &[6, 6]), Step::Hold(announced));
    }
}
