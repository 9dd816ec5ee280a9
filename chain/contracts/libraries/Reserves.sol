// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IRoundsManager} from "../interfaces/IRoundsManager.sol";
import {ITicketBroker} from "../interfaces/ITicketBroker.sol";

/// @notice What a broadcaster has put up. Three slots: a payment from the deposit touches the first one only, none touches
///         the third.
struct Sender {
    uint96 deposit;
    uint96 burned;
    uint64 withdrawRound;
    uint96 reserve;
    /// What the reserve held when it was full, of which the parts are; 0: nobody has one, whatever it holds.
    uint96 whole;
    /// How often it was filled.
    uint32 filling;
    /// By whose stakes it is parted: those of this round.
    uint32 round;
    /// By whose it is parted next; 0: nothing is announced. What is left here when `whole` is 0 means nothing.
    uint32 announced;
    /// First block in which it may be.
    uint64 from;
}

/// @title By whose stakes a reserve is parted, and since when
/// @notice Who works counts on its part until its winners are payable, also if it has left the active set by then. So more
///         money parts nothing anew, and what else does is announced so long before that every ticket which counted on
///         the old parts is payable [a wei that takes a leaver's part]. Nor does anybody but the broadcaster choose the first
///         round by whose stakes it is parted [a wei that parts it by the stakes of long ago].
library Reserves {
    using SafeCast for uint256;

    /// @notice Adds to a reserve. Nobody's part becomes smaller by it, unless smaller ones were announced and are due; and
    ///         once nothing is missing, all of it can be taken again. A reserve of which nobody has a part – the first one,
    ///         or one after a withdrawal or a slash – has those of the present round, if the caller may act for the broadcaster.
    function fill(
        Sender storage s,
        address broadcaster,
        uint256 amount,
        IOperators operators,
        IRoundsManager rounds
    ) internal {
        uint96 held = (s.reserve + amount).toUint96();
        uint96 whole = s.whole;
        s.reserve = held;
        if (held < whole || (whole == 0 && !operators.mayAct(msg.sender, broadcaster))) return;
        s.whole = held;
        ++s.filling;
        if (whole == 0) {
            _part(s, broadcaster, _present(rounds));
        } else if (s.announced != 0 && block.number >= s.from) {
            _part(s, broadcaster, s.announced);
        }
    }

    /// @notice Announces the present round's parts, which may hold `delay` blocks later; then, if nothing is missing, lets
    ///         those hold that were announced. Of what others have put up and nobody has a part of, they hold at once. Only
    ///         who may act for the broadcaster calls it.
    function partAnew(
        Sender storage s,
        address broadcaster,
        uint64 delay,
        IOperators operators,
        IRoundsManager rounds
    ) internal returns (uint32 round, uint64 from) {
        if (!operators.mayAct(msg.sender, broadcaster)) {
            revert ITicketBroker.NotTheBroadcaster(msg.sender, broadcaster);
        }
        if (s.whole == 0) {
            if (s.reserve == 0) revert ITicketBroker.NothingParted(broadcaster);
            fill(s, broadcaster, 0, operators, rounds);
            return (s.round, uint64(block.number));
        }
        (round, from) = (s.announced, s.from);
        if (round == 0) {
            (round, from) = (_present(rounds), uint64(block.number) + delay);
            (s.announced, s.from) = (round, from);
            emit ITicketBroker.PartsAnnounced(broadcaster, round, from);
            return (round, from);
        }
        if (block.number < from) revert ITicketBroker.AlreadyAnnounced(broadcaster, round, from);
        if (s.reserve < s.whole) revert ITicketBroker.ReserveNotFull(broadcaster, s.reserve, s.whole);
        // Of a full reserve nothing was taken, so there is nothing to forget.
        _part(s, broadcaster, round);
    }

    function _part(Sender storage s, address broadcaster, uint32 round) private {
        s.round = round;
        if (s.announced != 0) (s.announced, s.from) = (0, 0);
        emit ITicketBroker.ReserveParted(broadcaster, round);
    }

    /// @dev What comes before there is a round has the first one's parts. Round numbers have 32 bits, see RoundsManager.
    function _present(IRoundsManager rounds) private view returns (uint32) {
        return uint32(Math.max(rounds.currentRound(), 1));
    }
}
