//! What nodes say to a signed transaction.

use crate::rpc::RpcError;

/// What the nodes say to a signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    /// It is in a pool, from now or from before.
    Taken,
    /// The nonce is used already: perhaps by this very transaction.
    Spent,
    /// In no pool; why.
    Refused(String),
}

impl Broadcast {
    /// An error only where the node is away; its opinions are values. Nodes word them differently (geth, reth,
    /// Nethermind, Besu, anvil).
    pub fn of(answer: Result<(), RpcError>) -> Result<Self, RpcError> {
        let message = match answer {
            Ok(()) => return Ok(Self::Taken),
            Err(RpcError::Refused { message, .. }) => message,
            Err(other) => return Err(other),
        };
        let lower = message.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        Ok(
            if any(&[
                "already known",
                "alreadyknown",
                "already imported",
                "known transaction",
            ]) {
                Self::Taken
            } else if any(&["nonce too low", "oldnonce", "nonce is too low"]) {
                Self::Spent
            } else {
                Self::Refused(message)
            },
        )
    }

    /// Two nodes' opinions as one: a used nonce is a fact, a refusal an opinion.
    pub fn or(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Taken, _) | (_, Some(Self::Taken)) => Self::Taken,
            (Self::Spent, _) | (_, Some(Self::Spent)) => Self::Spent,
            (refused, _) => refused,
        }
    }
}

/// Whether a refusal, in a node's words, is one that a higher fee may change.
pub(crate) fn is_about_price(reason: &str) -> bool {
    let lower = reason.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    // "insufficient funds for gas * price + value"
    let funds = ["insufficient", "insufficientfunds", "exceeds"];
    let price = [
        "underpriced",
        "base fee",
        "basefee",
        "fee too low",
        "feetoolow",
        "gas price",
        "gasprice",
        "max fee per gas",
        "fee cap",
    ];
    !any(&funds) && any(&price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Result<Broadcast, RpcError> {
        Broadcast::of(Err(RpcError::Refused {
            method: "eth_sendRawTransaction",
            code: -32000,
            message: message.into(),
            data: None,
        }))
    }

    #[test]
    fn every_node_s_words_are_understood() {
        for words in [
            "already known",
            "ALREADY_EXISTS: already known",
            "AlreadyKnown",
        ] {
            assert_eq!(said(words), Ok(Broadcast::Taken), "{words}");
        }
        for words in [
            "nonce too low: next nonce 5, tx nonce 4",
            "OldNonce",
            "Nonce too low",
        ] {
            assert_eq!(said(words), Ok(Broadcast::Spent), "{words}");
        }
        for words in [
            "replacement transaction underpriced",
            "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 2",
            "FeeTooLow, MaxFeePerGas too low",
            "Gas price below configured minimum gas price",
        ] {
            assert!(is_about_price(words), "{words}");
        }
        for words in [
            "insufficient funds for gas * price + value",
            "InsufficientFunds, Account balance: 0",
            "intrinsic gas too low",
            "exceeds block gas limit",
        ] {
            assert!(!is_about_price(words), "{words}");
        }
        let refused = said("insufficient funds for gas * price + value").unwrap();
        assert!(matches!(refused, Broadcast::Refused(_)));
        assert_eq!(refused.clone().or(Some(Broadcast::Spent)), Broadcast::Spent);
        assert_eq!(refused.clone().or(None), refused);
    }
}
