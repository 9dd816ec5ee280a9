// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILivepeerBondingManager, ILivepeerController} from "../adapters/ILivepeer.sol";
import {LivepeerToken} from "../LivepeerToken.sol";

/// @title As much of Livepeer's controller, minter and bonding manager as slashing touches
/// @notice Behaves as theirs does (read in livepeer/protocol, BondingManager.slashTranscoder): the registered
///         "Verifier" only; not while paused; a part of the own bond; the finder's part rounded down, the rest burned;
///         an event and nothing else for who has no bond; a transcoder that is slashed leaves the active set.
contract LivepeerDouble is ILivepeerController, ILivepeerBondingManager {
    struct Delegator {
        uint256 bondedAmount;
        uint256 delegatedAmount;
        bool active;
    }

    event TranscoderSlashed(
        address indexed transcoder, address finder, uint256 penalty, uint256 finderReward
    );

    uint256 private constant PERC_DIVISOR = 1_000_000;

    LivepeerToken private immutable _token;
    bool public paused;
    mapping(bytes32 id => address) private _contracts;
    mapping(address delegator => Delegator) public delegators;

    constructor(LivepeerToken token) {
        _token = token;
        _contracts[keccak256("BondingManager")] = address(this);
    }

    function setContract(string calldata name, address place) external {
        _contracts[keccak256(bytes(name))] = place;
    }

    function setPaused(bool value) external {
        paused = value;
    }

    /// @dev The tokens must be here.
    function bond(address transcoder, uint256 own, uint256 delegated) external {
        delegators[transcoder] = Delegator(own, own + delegated, true);
    }

    function getContract(bytes32 id) external view returns (address) {
        return _contracts[id];
    }

    function getDelegator(address delegator)
        external
        view
        returns (uint256, uint256, address, uint256, uint256, uint256, uint256)
    {
        Delegator storage del = delegators[delegator];
        return (del.bondedAmount, 0, delegator, del.delegatedAmount, 0, 0, 0);
    }

    function slashTranscoder(address transcoder, address finder, uint256 slashAmount, uint256 finderFee)
        external
    {
        require(!paused, "system is paused");
        require(msg.sender == _contracts[keccak256("Verifier")], "caller must be Verifier");
        Delegator storage del = delegators[transcoder];
        if (del.bondedAmount == 0) {
            emit TranscoderSlashed(transcoder, finder, 0, 0);
            return;
        }
        uint256 penalty = del.bondedAmount * slashAmount / PERC_DIVISOR;
        del.active = false;
        del.bondedAmount -= penalty;
        del.delegatedAmount -= penalty;
        uint256 reward = finder == address(0) ? 0 : penalty * finderFee / PERC_DIVISOR;
        if (reward != 0) _token.transfer(finder, reward);
        _token.burn(penalty - reward);
        emit TranscoderSlashed(transcoder, finder, penalty, reward);
    }
}
