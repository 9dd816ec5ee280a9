//! Coming back into the active set. Who lost its place to a larger operator is not put back when that one leaves: the contracts
//! have no loop over all operators, and look for a place for one only when it is new, or when somebody asks.

use assay_chain::call::StakeCall;
use assay_chain::client::Client;
use assay_chain::queue::TxQueue;
use assay_chain::views::Role;
use assay_protocol::Address;

use crate::driver::Node;

/// How often in a round a node looks after its place, at the least.
const LOOKS: u64 = 8;
/// Blocks from one look to the next, at the most.
const MOST_BLOCKS: u64 = 16;

/// Whether an operator looks in this block. Those outside look in different ones: whoever is first may fill the place.
fn looks_in(block: u64, me: Address, round_blocks: u64) -> bool {
    let every = (round_blocks / LOOKS).clamp(1, MOST_BLOCKS);
    let own = me.last().copied().map_or(0, u64::from);
    block % every == own % every
}

impl Node {
    /// Enters the active sets of this node's roles where it is not in them and could be.
    pub(crate) fn look_after_place(&mut self, block: u64) {
        // A transaction may be under way for longer than from one look to the next.
        let busy = self.keeper.enlisting.as_ref();
        if busy.is_some_and(|looking| !looking.is_finished())
            || !looks_in(block, self.me, self.params.round_blocks)
        {
            return;
        }
        let roles = [
            (Role::Transcoder, self.transcoding.is_some()),
            (Role::Verifier, self.verifying.is_some()),
        ];
        let mine = roles.into_iter().filter(|(_, mine)| *mine);
        let mine: Vec<_> = mine
            .map(|(role, _)| (role, role.places(&self.params)))
            .collect();
        let (client, queue, me) = (self.client.clone(), self.queue.clone(), self.me);
        self.keeper.enlisting = Some(tokio::spawn(async move {
            for (role, places) in mine {
                enlist(&client, &queue, (role, me), places, block).await;
            }
        }));
    }
}

async fn enlist(
    client: &Client,
    queue: &TxQueue,
    (role, operator): (Role, Address),
    places: u64,
    block: u64,
) {
    match client.could_enter(role, operator, places).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(e) => return tracing::debug!("the place among the {role}s: {e}"),
    }
    let call = StakeCall::Enlist { role, operator };
    match queue.run(format!("enlist:{role}:{block}"), call).await {
        Ok(_) => tracing::info!("among the active {role}s again from the next round on"),
        Err(e) => tracing::warn!("not among the active {role}s, tried again soon: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_looks_several_times_a_round_and_not_all_at_once() {
        let looks = |last: u8, round_blocks: u64| {
            let me = Address::with_last_byte(last);
            let blocks =
                (1_000..1_000 + round_blocks).filter(move |b| looks_in(*b, me, round_blocks));
            blocks.collect::<Vec<_>>()
        };
        for round_blocks in [4, 20, 100, 6_377] {
            for last in [0, 7, 255] {
                let count = looks(last, round_blocks).len() as u64;
                assert!(count >= LOOKS.min(round_blocks), "{round_blocks}: {count}");
            }
        }
        assert_ne!(looks(1, 100), looks(2, 100));
    }
}
