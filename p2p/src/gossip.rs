//! Gossipsub: anonymous messages named by their content, nothing forwarded before the node has judged it, peers scored.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use assay_protocol::wire::MAX_GOSSIP;
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentityTransform, Message, MessageAuthenticity, MessageId,
    PeerScoreParams, PeerScoreThresholds, TopicScoreParams, ValidationMode,
    WhitelistSubscriptionFilter, score_parameter_decay,
};

use crate::spawn::SpawnError;
use crate::topic::TopicTable;

/// Gossipsub with only our topics.
pub(crate) type Gossip = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// Protobuf around one payload: topic name (about 80 bytes) and tags.
const ENVELOPE: usize = 1024;
/// libp2p-gossipsub 0.50.1 holds its size limit against the whole read buffer, which may end with up to 8 KiB of the
/// next message; without this much room two large messages in a row reset the stream and are lost.
const READ_AHEAD: usize = 8 * 1024;
/// Below this score a peer is graylisted: gossipsub ignores it, and the node disconnects it for a while.
pub(crate) const GRAYLIST: f64 = -80.0;
/// Mesh maintenance; 700 ms as Ethereum's consensus layer uses, so that meshes form within two beats.
const HEARTBEAT: Duration = Duration::from_millis(700);
/// Beats a message waits for the node's judgement before it can no longer be forwarded: 21 s, enough for a chain
/// call and a full verification queue.
const HISTORY: usize = 30;
/// Replays within this time are dropped unseen; longer than any evidence window on a test network.
const DUPLICATES: Duration = Duration::from_secs(300);
/// Messages queued for one connection: at most 32 MiB behind a slow peer.
const QUEUE: usize = 512;

/// First 20 bytes of BLAKE3(topic ‖ payload).
pub(crate) fn message_id(message: &Message) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.topic.as_str().as_bytes());
    hasher.update(&message.data);
    MessageId::new(&hasher.finalize().as_bytes()[..20])
}

/// Builds the behaviour and subscribes to every topic.
pub(crate) fn behaviour(topics: &TopicTable) -> Result<Gossip, SpawnError> {
    let setup = |reason: String| SpawnError::Gossip { reason };
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(MAX_GOSSIP + ENVELOPE + READ_AHEAD)
        .heartbeat_interval(HEARTBEAT)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .history_length(HISTORY)
        .history_gossip(6)
        .duplicate_cache_time(DUPLICATES)
        .prune_backoff(Duration::from_secs(15))
        .connection_handler_queue_len(QUEUE)
        .max_publish_messages(64)
        .flood_publish(true)
        .build()
        .map_err(|e| setup(e.to_string()))?;
    let whitelist: HashSet<_> = topics.iter().map(|(_, _, hash)| hash.clone()).collect();
    let filter = WhitelistSubscriptionFilter(whitelist);
    let mut gossip =
        Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
            .map_err(|e| setup(e.to_owned()))?;
    gossip
        .with_peer_score(scores(topics), thresholds())
        .map_err(setup)?;
    for (_, ident, _) in topics.iter() {
        gossip.subscribe(ident).map_err(|e| setup(e.to_string()))?;
    }
    Ok(gossip)
}

/// libp2p's thresholds, written out: an unstaked peer loses gossip with its first invalid message (−10), is no longer
/// published to after the third (−90) and graylisted with it.
fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -10.0,
        publish_threshold: -50.0,
        graylist_threshold: GRAYLIST,
        accept_px_threshold: 100.0,
        opportunistic_graft_threshold: 5.0,
    }
}

fn scores(topics: &TopicTable) -> PeerScoreParams {
    let loopback = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        // At most 3 points a topic for five minutes in the mesh.
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 300.0,
        // At most 5 points a topic for bringing news.
        first_message_deliveries_weight: 0.5,
        first_message_deliveries_decay: score_parameter_decay(Duration::from_secs(300)),
        first_message_deliveries_cap: 10.0,
        // Off: our topics are silent for minutes at a time, so silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // Quadratic: −10, −40, −90 for one, two, three invalid messages within ten minutes.
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: score_parameter_decay(Duration::from_secs(600)),
        ..TopicScoreParams::default()
    };
    let per_topic: HashMap<_, _> = topics
        .iter()
        .map(|(_, _, hash)| (hash.clone(), topic.clone()))
        .collect();
    PeerScoreParams {
        topics: per_topic,
        // Good conduct on all topics together outweighs two invalid messages and no more.
        topic_score_cap: 40.0,
        app_specific_weight: 1.0,
        // A household or a rack behind one address is fine; loopback is a test network.
        ip_colocation_factor_weight: -1.0,
        ip_colocation_factor_threshold: 16.0,
        ip_colocation_factor_whitelist: HashSet::from(loopback),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: score_parameter_decay(Duration::from_secs(600)),
        retain_score: Duration::from_secs(3600),
        ..PeerScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::Topic;
    use assay_protocol::Address;

    #[test]
    fn ids_are_of_topic_and_payload() {
        let table = TopicTable::new(1, Address::repeat_byte(7));
        let message = |topic, data: &[u8]| Message {
            source: None,
            data: data.to_vec(),
            sequence_number: None,
            topic: table.hash(topic),
        };
        let id = message_id(&message(Topic::Records, b"x"));
        assert_eq!(id.0.len(), 20);
        assert_eq!(id, message_id(&message(Topic::Records, b"x")));
        assert_ne!(id, message_id(&message(Topic::Proofs, b"x")));
        assert_ne!(id, message_id(&message(Topic::Records, b"y")));
        let whole = [
            Topic::Records.name(1, Address::repeat_byte(7)).as_bytes(),
            b"x",
        ]
        .concat();
        assert_eq!(id.0[..], blake3::hash(&whole).as_bytes()[..20]);
    }

    #[test]
    fn parameters_are_accepted_by_gossipsub() {
        assert!(behaviour(&TopicTable::new(1, Address::repeat_byte(7))).is_ok());
    }
}
