// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BondingManager} from "../../BondingManager.sol";
import {LockState, PoolState} from "../../interfaces/IBondingManager.sol";
import {LivepeerToken} from "../../LivepeerToken.sol";
import {Role} from "../../objects/Role.sol";
import {Roster} from "../../Roster.sol";
import {RoundsManager} from "../../RoundsManager.sol";
import {TestBase} from "../TestBase.sol";

/// @title Random operators, delegators, rounds, rewards, and a court that slashes at will
contract StakeActors is TestBase {
    uint256 public constant OPERATORS = 3;
    uint256 public constant DELEGATORS = 3;
    uint256 private constant LPT = 1e18;

    BondingManager private immutable _bonding;
    Roster private immutable _roster;
    LivepeerToken private immutable _token;
    RoundsManager private immutable _rounds;
    address private immutable _court;
    address private immutable _minter;

    /// What a frozen pool held when it was frozen, plus rewards and less what slashes cut since.
    mapping(Role => mapping(address => uint256)) public frozenTotal;
    /// The snapshots as they were when taken.
    mapping(Role => mapping(uint64 => bytes32)) public snapshotHash;
    /// Sent to the contract for nothing, which is nobody's.
    uint256 public donated;
    uint256 public burned;

    constructor(
        BondingManager bonding,
        Roster roster,
        LivepeerToken token,
        RoundsManager rounds,
        address court,
        address minter
    ) {
        (_bonding, _roster, _token, _rounds) = (bonding, roster, token, rounds);
        (_court, _minter) = (court, minter);
    }

    function operatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0x1000 + index % OPERATORS));
    }

    function delegatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0x2000 + index % DELEGATORS));
    }

    function totalOf(Role role, address operator) public view returns (uint256) {
        PoolState memory p = _bonding.pool(role, operator);
        return p.ownStake + p.delegatedStake + p.ownUnbonding + p.delegatedUnbonding + p.pendingRewards;
    }

    /// What changes a frozen pool, or takes out what is not ripe, is tried all the same, and must be refused.
    function bond(uint256 who, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        // Often the minimum exactly: it must always be enough.
        amount = amount % 3 == 0 ? 10 * LPT : bound(amount, 10 * LPT, 1e24);
        _fund(operator, amount);
        bool frozen = _bonding.isFrozen(role, operator);
        vm.prank(operator);
        try _bonding.bond(role, amount) {
            vm.assertFalse(frozen, "bonded with a frozen pool");
        } catch {
            vm.assertTrue(frozen, "not bonded");
        }
    }

    function delegate(uint256 who, uint256 to, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(to));
        bool frozen = _bonding.isFrozen(role, operator);
        if (_bonding.weightOf(role, operator) == 0 && !frozen) return;
        address delegator = delegatorAt(who);
        // Small amounts too: rounding is where pools break.
        amount = bound(amount, 1, who % 2 == 0 ? 1e3 : 1e24);
        _fund(delegator, amount);
        vm.prank(delegator);
        try _bonding.delegate(role, operator, amount) {
            vm.assertFalse(frozen, "delegated to a frozen pool");
            vm.assertGe(_bonding.stakeOf(role, operator, delegator) + 1, amount);
        } catch {
            vm.assertTrue(frozen, "not delegated");
        }
    }

    function unbond(uint256 who, uint256 from, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(from));
        address holder = who % 3 == 0 ? operator : delegatorAt(who);
        uint256 stake = _bonding.stakeOf(role, operator, holder);
        if (stake == 0) return;
        bool frozen = _bonding.isFrozen(role, operator);
        amount = amount % 3 == 0 ? stake : bound(amount, 1, stake);
        vm.prank(holder);
        try _bonding.unbond(role, operator, amount) returns (uint256 id) {
            vm.assertFalse(frozen, "unbonded from a frozen pool");
            vm.assertTrue(_bonding.lockOf(id).holder == holder);
        } catch {
            vm.assertTrue(frozen, "not unbonded");
        }
    }

    function move(uint256 who, uint256 from, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(from));
        address to = operatorAt(from % OPERATORS + 1);
        address holder = who % 3 == 0 ? operator : delegatorAt(who);
        uint256 stake = _bonding.stakeOf(role, operator, holder);
        bool frozen = _bonding.isFrozen(role, operator);
        if (stake == 0 || (_bonding.weightOf(role, to) == 0 && !frozen)) return;
        amount = amount % 3 == 0 ? stake : bound(amount, 1, stake);
        vm.prank(holder);
        try _bonding.move(role, operator, to, amount) {
            vm.assertFalse(frozen, "moved from a frozen pool");
        } catch {
            vm.assertTrue(frozen, "not moved");
        }
    }

    /// Whoever has a lock that may arrive gets it there, at what it was worth.
    function arrive(uint256 id) external {
        (bool exists, LockState memory lock) = _lock(id);
        if (!exists || lock.destination == address(0) || lock.amount == 0) return;
        bool frozen =
            _bonding.isFrozen(lock.role, lock.operator) || _bonding.isFrozen(lock.role, lock.destination);
        if (_bonding.weightOf(lock.role, lock.destination) == 0 && !frozen) return;
        bool due = _isRipe(lock) && !frozen;
        try _bonding.arrive(bound(id, 1, _bonding.lockCount())) returns (uint256 amount) {
            vm.assertTrue(due, "arrived from or at a frozen pool, or too early");
            vm.assertEq(amount, lock.amount);
        } catch {
            vm.assertFalse(due, "has not arrived");
        }
    }

    function rebond(uint256 id) external {
        (bool exists, LockState memory lock) = _lock(id);
        if (!exists || lock.amount == 0) return;
        bool frozen = _bonding.isFrozen(lock.role, lock.operator);
        bool bonds = lock.holder == lock.operator && lock.amount >= 10 * LPT;
        if (_bonding.weightOf(lock.role, lock.operator) == 0 && !bonds && !frozen) return;
        id = bound(id, 1, _bonding.lockCount());
        vm.prank(lock.holder);
        try _bonding.rebond(id) returns (uint256 amount) {
            vm.assertFalse(frozen, "rebonded in a frozen pool");
            vm.assertEq(amount, lock.amount);
        } catch {
            vm.assertTrue(frozen, "not rebonded");
        }
    }

    function withdraw(uint256 id) external {
        (bool exists, LockState memory lock) = _lock(id);
        if (!exists) return;
        bool due = _isRipe(lock) && !_bonding.isFrozen(lock.role, lock.operator);
        uint256 before = _token.balanceOf(lock.holder);
        id = bound(id, 1, _bonding.lockCount());
        vm.prank(lock.holder);
        try _bonding.withdraw(id) {
            vm.assertTrue(due, "withdrawn from a frozen pool, or too early");
            vm.assertEq(_token.balanceOf(lock.holder) - before, lock.amount);
        } catch {
            vm.assertFalse(due, "not withdrawn");
        }
    }

    /// Also to pools of nobody, and to frozen ones.
    function reward(uint256 who, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        amount = bound(amount, 1, who % 2 == 0 ? 1e3 : 1e24);
        _token.transfer(address(_bonding), amount);
        vm.prank(_minter);
        _bonding.reward(0, role, operator, amount);
        if (frozenTotal[role][operator] != 0) frozenTotal[role][operator] += amount;
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 1, 1e24);
        _token.transfer(address(_bonding), amount);
        donated += amount;
    }

    function enlist(uint256 who, bool verifier) external {
        _bonding.enlist(_role(verifier), operatorAt(who));
    }

    /// Seldom, and one case at a time: stake must also be able to leave in most runs.
    function freeze(uint256 who, bool verifier) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        if (_bonding.isFrozen(role, operator) || who % 3 != 0) return;
        frozenTotal[role][operator] = totalOf(role, operator);
        vm.prank(_court);
        _bonding.freeze(role, operator);
    }

    function unfreeze(uint256 who, bool verifier) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        if (!_bonding.isFrozen(role, operator)) return;
        frozenTotal[role][operator] = 0;
        vm.prank(_court);
        _bonding.unfreeze(role, operator);
    }

    /// Cuts that part and no more, of this pool and no other.
    function slash(uint256 who, bool verifier, uint256 bps) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        bps = bps % 5 == 0 ? 10_000 : bps % 5 == 1 ? 5000 : bound(bps, 1, 9_000);
        PoolState memory before = _bonding.pool(role, operator);
        uint256 others = _sumOfAll() - totalOf(role, operator);
        uint256 all = _bonding.slashable(role, operator);
        vm.startPrank(_court);
        (uint256 own, uint256 delegated) = _bonding.slash(role, operator, bps);
        _token.burn(own + delegated);
        vm.stopPrank();
        burned += own + delegated;
        // What rounding leaves to nobody in a pool counts as the operator's when it is the only holder.
        vm.assertLe(own, before.ownStake + before.ownUnbonding + before.pendingRewards + (2 << 24));
        vm.assertGe(own + delegated, all * bps / 10_000);
        // More than the share is taken only of what is not worth counting.
        vm.assertLe(own + delegated, all * bps / 10_000 + 3 + all / 1_000_000);
        vm.assertEq(_bonding.slashable(role, operator), all - own - delegated);
        vm.assertEq(_sumOfAll() - totalOf(role, operator), others);
        if (frozenTotal[role][operator] != 0) frozenTotal[role][operator] = totalOf(role, operator);
    }

    /// Often several rounds: what leaves must be ripe in short runs too.
    function pass(uint256 blocks) external {
        for (uint256 i = 0; i <= blocks % 4; ++i) {
            vm.roll(block.number + bound(blocks, 1, 20));
            if (block.number < _rounds.openableAt()) continue;
            uint64 round = _rounds.openRound();
            snapshotHash[Role.Transcoder][round] = hashOf(Role.Transcoder, round);
            snapshotHash[Role.Verifier][round] = hashOf(Role.Verifier, round);
        }
    }

    function hashOf(Role role, uint64 round) public view returns (bytes32) {
        (address[] memory o, uint256[] memory w, uint256[] memory p) = _roster.snapshot(role, round);
        return keccak256(abi.encode(o, w, p));
    }

    /// What all holders have in a pool.
    function stakesIn(Role role, address operator) external view returns (uint256 sum) {
        for (uint256 d = 0; d < DELEGATORS + OPERATORS; ++d) {
            sum += _bonding.stakeOf(role, operator, _holder(d));
        }
    }

    /// Every holder takes everything out, and every lock is paid: nothing is stuck in any state.
    function everybodyLeaves() external {
        for (uint256 i = 0; i < 2 * OPERATORS; ++i) {
            (Role role, address operator) = (Role(i % 2), operatorAt(i / 2));
            if (_bonding.isFrozen(role, operator)) {
                vm.prank(_court);
                _bonding.unfreeze(role, operator);
            }
            for (uint256 d = 0; d < DELEGATORS + OPERATORS; ++d) {
                address holder = _holder(d);
                uint256 stake = _bonding.stakeOf(role, operator, holder);
                if (stake == 0) continue;
                vm.prank(holder);
                _bonding.unbond(role, operator, stake);
            }
        }
        for (uint256 i = 0; i < 4; ++i) {
            vm.roll(block.number + 20);
            _rounds.openRound();
        }
        for (uint256 id = 1; id <= _bonding.lockCount(); ++id) {
            (bool exists, LockState memory lock) = _lock(id);
            if (!exists) continue;
            vm.prank(lock.holder);
            vm.assertEq(_bonding.withdraw(id), lock.amount);
        }
    }

    /// @dev An operator that has moved its bond is another one's delegator.
    function _holder(uint256 index) private pure returns (address) {
        return index < DELEGATORS ? delegatorAt(index) : operatorAt(index - DELEGATORS);
    }

    function _sumOfAll() private view returns (uint256 sum) {
        for (uint256 i = 0; i < OPERATORS; ++i) {
            sum += totalOf(Role.Transcoder, operatorAt(i)) + totalOf(Role.Verifier, operatorAt(i));
        }
    }

    function _lock(uint256 id) private view returns (bool exists, LockState memory lock) {
        if (_bonding.lockCount() == 0) return (false, lock);
        try _bonding.lockOf(bound(id, 1, _bonding.lockCount())) returns (LockState memory found) {
            return (true, found);
        } catch {}
    }

    function _isRipe(LockState memory lock) private view returns (bool) {
        return lock.withdrawableBlock != 0 && block.number >= lock.withdrawableBlock
            && _rounds.currentRound() >= lock.withdrawableRound;
    }

    function _fund(address account, uint256 amount) private {
        _token.transfer(account, amount);
        vm.prank(account);
        _token.approve(address(_bonding), type(uint256).max);
    }

    function _role(bool verifier) private pure returns (Role) {
        return verifier ? Role.Verifier : Role.Transcoder;
    }
}
