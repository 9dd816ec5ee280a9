//! What a broadcaster's node looks at when a round begins: whether its reserve and its price cap do for most of the stake.

use assay_chain::call::BrokerCall;
use assay_chain::client::Client;
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
            let Some(mut parts) = parts(&client, me, &stakes).await else {
                return;
            };
            if funds.reserve != Eth::default() && parts.iter().any(|(_, part)| part.is_zero()) {
                // Who is new since the reserve was full has no part of it. A wei more parts it anew, if nothing was taken.
                let wei = BrokerCall::Fund {
                    broadcaster: me,
                    deposit: Eth::default(),
                    reserve: Eth(U256::from(1)),
                };
                let key = format!("renew:{me}:{}", stakes.round);
                match queue.run(key, wei).await {
                    Ok(_) => parts = self::parts(&client, me, &stakes).await.unwrap_or(parts),
                    Err(e) => tracing::warn!("the reserve is not renewed: {e}"),
                }
            }
            let covered = parts.iter().filter(|(_, part)| covers(*part, face.0));
            let covered = covered.fold(U256::ZERO, |sum, (weight, _)| sum + *weight);
            if covered * U256::from(10_000) < stakes.total() * bps {
                tracing::warn!(
                    "a reserve of {} ETH covers a winner of {face} ETH for less than two thirds of the stake: the other \
                     transcoders decline; `assay broadcaster deposit --reserve` changes that, with a wei where they are new",
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

/// Each transcoder's weight, and what the reserve would pay it.
async fn parts(client: &Client, payer: Address, stakes: &Snapshot) -> Option<Vec<(U256, U256)>> {
    let mut parts = Vec::new();
    for candidate in &stakes.candidates {
        let part = client.claimable_reserve(payer, candidate.operator).await;
        parts.push((candidate.weight, part.ok()?.0));
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
