// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BondingManager} from "../../BondingManager.sol";
import {LockState, PoolState} from "../../interfaces/IBondingManager.sol";
import {LivepeerToken} from "../../LivepeerToken.sol";
import {Role} from "../../objects/Role.sol";
import {Roster} from "../../Roster.sol";
import {RoundsManager} from "../../RoundsManager.sol";
import {Network} from "../Network.sol";
import {TestBase} from "../TestBase.sol";

/// @title Random operators, delegators, rounds and a court that slashes at will
contract Actors is TestBase {
    uint256 public constant OPERATORS = 3;
    uint256 public constant DELEGATORS = 3;
    uint256 private constant LPT = 1e18;

    BondingManager private immutable _bonding;
    LivepeerToken private immutable _token;
    Roster private immutable _roster;
    RoundsManager private immutable _rounds;
    address private immutable _court;

    /// What a frozen pool held when it was frozen, less what slashes cut since.
    mapping(Role => mapping(address => uint256)) public frozenTotal;
    /// The snapshots as they were when taken.
    mapping(Role => mapping(uint64 => bytes32)) public snapshotHash;
    uint256 public burned;
    uint256 public withdrawals;

    constructor(
        BondingManager bonding,
        Roster roster,
        LivepeerToken token,
        RoundsManager rounds,
        address court
    ) {
        (_bonding, _roster, _token, _rounds, _court) = (bonding, roster, token, rounds, court);
    }

    function operatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0x1000 + index % OPERATORS));
    }

    function delegatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0x2000 + index % DELEGATORS));
    }

    function totalOf(Role role, address operator) public view returns (uint256) {
        PoolState memory p = _bonding.pool(role, operator);
        return p.ownStake + p.delegatedStake + p.ownUnbonding + p.delegatedUnbonding;
    }

    function bond(uint256 who, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        if (_bonding.isFrozen(role, operator)) return;
        amount = bound(amount, 10 * LPT, 1e24);
        _fund(operator, amount);
        vm.prank(operator);
        _bonding.bond(role, amount);
    }

    function delegate(uint256 who, uint256 to, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(to));
        bool low = _bonding.pool(role, operator).ownStake < 10 * LPT;
        if (_bonding.isFrozen(role, operator) || low) return;
        address delegator = delegatorAt(who);
        // Small amounts too: rounding is where pools break.
        amount = bound(amount, 1e6, who % 2 == 0 ? 1e7 : 1e24);
        _fund(delegator, amount);
        vm.prank(delegator);
        _bonding.delegate(role, operator, amount);
    }

    function unbond(uint256 who, uint256 from, bool verifier, uint256 amount) external {
        (Role role, address operator) = (_role(verifier), operatorAt(from));
        address holder = who % 3 == 0 ? operator : delegatorAt(who);
        uint256 stake = _bonding.stakeOf(role, operator, holder);
        if (_bonding.isFrozen(role, operator) || stake == 0) return;
        vm.prank(holder);
        _bonding.unbond(role, operator, amount % 3 == 0 ? stake : bound(amount, 1, stake));
    }

    function withdraw(uint256 id) external {
        if (_bonding.lockCount() == 0) return;
        id = bound(id, 1, _bonding.lockCount());
        try _bonding.lockOf(id) returns (LockState memory lock) {
            bool ripe = lock.withdrawableBlock != 0 && block.number >= lock.withdrawableBlock
                && _rounds.currentRound() >= lock.withdrawableRound;
            if (!ripe || _bonding.isFrozen(lock.role, lock.operator)) return;
            uint256 before = _token.balanceOf(lock.holder);
            vm.prank(lock.holder);
            _bonding.withdraw(id);
            ++withdrawals;
            vm.assertEq(_token.balanceOf(lock.holder) - before, lock.amount);
        } catch {}
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
        vm.prank(_court);
        _bonding.unfreeze(role, operator);
    }

    /// Cuts that part and no more, of this pool and no other.
    function slash(uint256 who, bool verifier, uint256 bps) external {
        (Role role, address operator) = (_role(verifier), operatorAt(who));
        bps = bps % 5 == 0 ? 10_000 : bound(bps, 1, 9_000);
        PoolState memory before = _bonding.pool(role, operator);
        uint256 others = _sumOfAll() - totalOf(role, operator);
        vm.startPrank(_court);
        (uint256 own, uint256 delegated) = _bonding.slash(role, operator, bps);
        _token.burn(own + delegated);
        vm.stopPrank();
        burned += own + delegated;
        vm.assertLe(own, before.ownStake + before.ownUnbonding + 2);
        uint256 all =
            before.ownStake + before.delegatedStake + before.ownUnbonding + before.delegatedUnbonding;
        vm.assertGe(own + delegated, all * bps / 10_000);
        vm.assertLe(own + delegated, all);
        // More than the share is taken only of what is not worth counting.
        bool wiped = totalOf(role, operator) == 0;
        if (!wiped) vm.assertLe(own + delegated, all * bps / 10_000 + 2 + all / 1000);
        vm.assertEq(_sumOfAll() - totalOf(role, operator), others);
        if (frozenTotal[role][operator] != 0) frozenTotal[role][operator] = totalOf(role, operator);
    }

    function pass(uint256 blocks) external {
        vm.roll(block.number + bound(blocks, 1, 20));
        if (block.number < _rounds.openableAt()) return;
        uint64 round = _rounds.openRound();
        snapshotHash[Role.Transcoder][round] = hashOf(Role.Transcoder, round);
        snapshotHash[Role.Verifier][round] = hashOf(Role.Verifier, round);
    }

    function hashOf(Role role, uint64 round) public view returns (bytes32) {
        (address[] memory o, uint256[] memory w, uint256[] memory p) = _roster.snapshot(role, round);
        return keccak256(abi.encode(o, w, p));
    }

    function _sumOfAll() private view returns (uint256 sum) {
        for (uint256 i = 0; i < OPERATORS; ++i) {
            sum += totalOf(Role.Transcoder, operatorAt(i)) + totalOf(Role.Verifier, operatorAt(i));
        }
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

contract StakingInvariants is Network {
    Actors private _actors;

    function setUp() external {
        deploy();
        _actors = new Actors(bonding, roster, token, rounds, address(court));
        token.transfer(address(_actors), SUPPLY);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actors);
    }

    function invariant_every_token_is_accounted_for() external view {
        _poolsSumToTheTokens();
        _stakesFitTheirPools();
        _locksFitTheirPools();
    }

    /// forge-config: default.invariant.runs = 64
    function invariant_frozen_stake_stays_and_snapshots_never_change() external view {
        _frozenStakeStays();
        _snapshotsNeverChange();
    }

    /// The pools hold exactly the tokens of the contract, and nothing is lost but what is burned.
    function _poolsSumToTheTokens() private view {
        uint256 sum;
        for (uint256 i = 0; i < _actors.OPERATORS(); ++i) {
            sum += _actors.totalOf(Role.Transcoder, _actors.operatorAt(i));
            sum += _actors.totalOf(Role.Verifier, _actors.operatorAt(i));
        }
        vm.assertEq(sum, token.balanceOf(address(bonding)));
        vm.assertEq(token.totalSupply(), SUPPLY - _actors.burned());
    }

    /// No holders together have more than their pool.
    function _stakesFitTheirPools() private view {
        for (uint256 role = 0; role < 2; ++role) {
            for (uint256 i = 0; i < _actors.OPERATORS(); ++i) {
                address operator = _actors.operatorAt(i);
                PoolState memory p = bonding.pool(Role(role), operator);
                uint256 delegated;
                for (uint256 d = 0; d < _actors.DELEGATORS(); ++d) {
                    delegated += bonding.stakeOf(Role(role), operator, _actors.delegatorAt(d));
                }
                vm.assertLe(delegated, p.delegatedStake);
                vm.assertEq(roster.isActive(Role(role), operator), p.weight != 0);
            }
        }
    }

    function _locksFitTheirPools() private view {
        uint256[6] memory locked;
        for (uint256 id = 1; id <= bonding.lockCount(); ++id) {
            try bonding.lockOf(id) returns (LockState memory lock) {
                locked[uint256(uint160(lock.operator)) % 0x1000 * 2 + uint256(lock.role)] += lock.amount;
            } catch {}
        }
        for (uint256 i = 0; i < 6; ++i) {
            PoolState memory p = bonding.pool(Role(i % 2), _actors.operatorAt(i / 2));
            vm.assertLe(locked[i], p.ownUnbonding + p.delegatedUnbonding);
        }
    }

    /// Only slashes change what a frozen pool holds.
    function _frozenStakeStays() private view {
        for (uint256 role = 0; role < 2; ++role) {
            for (uint256 i = 0; i < _actors.OPERATORS(); ++i) {
                address operator = _actors.operatorAt(i);
                if (!bonding.isFrozen(Role(role), operator)) continue;
                vm.assertEq(_actors.totalOf(Role(role), operator), _actors.frozenTotal(Role(role), operator));
            }
        }
    }

    function _snapshotsNeverChange() private view {
        for (uint64 round = 1; round <= rounds.currentRound(); ++round) {
            for (uint256 role = 0; role < 2; ++role) {
                vm.assertEq(_actors.hashOf(Role(role), round), _actors.snapshotHash(Role(role), round));
            }
        }
    }
}
