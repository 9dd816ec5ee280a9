// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IFeeLedger} from "../interfaces/IFeeLedger.sol";
import {Role} from "../objects/Role.sol";

/// @title Shares, cuts and rounds of one transcoder's pool as a test sets them: all that the fee ledger asks for
contract ShareBook {
    struct Holding {
        uint256 shares;
        uint32 generation;
    }

    IFeeLedger public fees;
    address public immutable operator;
    uint16 public feeShareBps;
    bool public frozen;
    uint256 public total;
    uint32 public generation;
    mapping(address holder => Holding) private _holdings;

    constructor(address operator_) {
        operator = operator_;
    }

    function serve(IFeeLedger fees_, uint16 feeShareBps_) external {
        (fees, feeShareBps) = (fees_, feeShareBps_);
    }

    function setFeeShare(uint16 bps) external {
        feeShareBps = bps;
    }

    function setFrozen(bool frozen_) external {
        frozen = frozen_;
    }

    /// @dev As the bonding manager does it: settle first, shares of a past generation too, then change.
    function set(address holder, uint256 shares) external {
        Holding memory past = _holdings[holder];
        if (past.generation != generation && past.shares != 0) {
            fees.settle(operator, holder, past.shares, 0, past.generation);
        }
        uint256 held = sharesHeld(holder);
        fees.settle(operator, holder, held, total, generation);
        total = total - held + shares;
        _holdings[holder] = Holding(shares, generation);
    }

    /// @dev The pool loses everything.
    function wipe() external {
        uint256 held = sharesHeld(operator);
        fees.settle(operator, operator, held, total, generation);
        total = 0;
        ++generation;
        _holdings[operator] = Holding(0, generation);
    }

    function sharesHeld(address holder) public view returns (uint256) {
        Holding memory h = _holdings[holder];
        return h.generation == generation ? h.shares : 0;
    }

    function sharesOf(Role, address) external view returns (uint256, uint256, uint32) {
        return (sharesHeld(operator), total, generation);
    }

    function holdingOf(Role, address, address holder) external view returns (uint256, uint32) {
        return (_holdings[holder].shares, _holdings[holder].generation);
    }

    function isFrozen(Role, address) external view returns (bool) {
        return frozen;
    }

    function currentRound() external pure returns (uint64) {
        return 7;
    }

    function cutsAt(Role, address, uint64) external view returns (uint16, uint16) {
        return (0, feeShareBps);
    }
}
