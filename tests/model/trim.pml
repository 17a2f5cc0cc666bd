/* The protocol of malloc_trim() beside threads at work: src/idle.h and "Atomics" in
 * src/ARCHITECTURE.md.
 *
 * One page with two slots, and a third slot that lies elsewhere. The owner claims free slots into
 * its bin, hands them out, and the program writes to them; it frees them itself, or another thread
 * does and the owner takes that in. A second thread closes the door, looks, and purges the page if
 * it finds it free. test_model.sh has spin try all orders.
 *
 * Proven: nothing that the program has written to a block is purged while it has the block.
 *
 * The owner's stores lie in a store buffer until they are flushed, in their order: at any moment,
 * or by a barrier.
 *
 * Each of the mutants leaves one rule out, and spin must find out:
 *   MUTANT_BARRIER   no barrier between closing the door and looking
 *   MUTANT_DOOR      the owner hands out what it has claimed whether the door is closed or not
 *   MUTANT_ORDER     the live bits are read before the claim
 *   MUTANT_MASK      the slots that are left in the bin stand for those that it claimed
 */
#define BIT(slot)   (1 << (slot))
#define LOWEST(set) ((set) & 1 -> 0 : ((set) & 2 -> 1 : 2))
#define PAGE        3 /* the slots that lie in it */
#define ALL         7

mtype = { LIVE, DEAD, CLAIM, WRITE };

/* What all threads see: a bit for each slot. */
byte live;
byte claimed;
byte mask;                /* of the bin; only its owner writes it, and nobody should read it */
byte remote;              /* freed by another thread */
byte written;             /* has what the program wrote */
bool door;
bool locked;

byte held;                /* what only the proof knows: slots that the program has */
byte given_away;          /* to the other thread, which may free them */
bool owner_ended;

/* The owner's store buffer, and what the owner itself reads through it. */
chan buffer = [5] of { mtype, byte };
byte own_live;

/* The processor flushes when it likes, one store after the other. */
active proctype processor() {
    mtype kind;
    byte bits;
end:
    do
    :: d_step { buffer ? kind, bits ->
            if
            :: kind == LIVE -> live = live | bits
            :: kind == DEAD -> live = live & ~bits
            :: kind == CLAIM -> claimed = bits
            :: kind == WRITE -> written = written | bits
            fi;
            bits = 0 }
    od
}

/* A barrier, which taking a lock is too. */
inline await_flush() { len(buffer) == 0 }

active proctype trimmer() {
    byte bits;
    byte kept;
    d_step { !locked -> locked = true }
    door = true;
#ifndef MUTANT_BARRIER
    await_flush();
#endif
#ifdef MUTANT_ORDER
    kept = live;
    kept = kept & ~remote;
    kept = kept | claimed;
#elif defined(MUTANT_MASK)
    kept = mask;
    bits = live;
    kept = kept | (bits & ~remote);
#else
    kept = claimed;
    bits = live;
    kept = kept | (bits & ~remote);
#endif
    if
    :: (kept & PAGE) == 0 -> d_step { assert((written & held & PAGE) == 0); written = 0 }
    :: else
    fi;
    door = false;
    locked = false
}

/* Another thread, which frees what it is given. */
active proctype freer() {
    byte slot;
end:
    do
    :: d_step { given_away != 0 ->
            slot = LOWEST(given_away);
            given_away = given_away & ~BIT(slot);
            held = held & ~BIT(slot) }
        d_step { remote = remote | BIT(slot); slot = 0 }
    :: owner_ended && given_away == 0 -> break
    od
}

inline claim() {
    if
    :: d_step { (PAGE & ~own_live) != 0 -> bits = PAGE & ~own_live }
    :: d_step { (1 & ~own_live) != 0 -> bits = 1 }
    :: d_step { (4 & ~own_live) != 0 -> bits = 4 }
    fi;
    buffer ! CLAIM(bits);
#ifndef MUTANT_DOOR
    if
    :: door -> !locked; await_flush()
    :: else
    fi;
#endif
    mask = bits
}

/* The fast path of malloc(), and what the program does with the block. */
inline take() {
    d_step { slot = LOWEST(mask); mask = mask & ~BIT(slot) }
    d_step { own_live = own_live | BIT(slot); held = held | BIT(slot); mine = mine | BIT(slot) }
    buffer ! LIVE(BIT(slot));
    buffer ! WRITE(BIT(slot))
}

inline give() {
    d_step { slot = LOWEST(mine); mine = mine & ~BIT(slot); held = held & ~BIT(slot) }
    own_live = own_live & ~BIT(slot);
    buffer ! DEAD(BIT(slot))
}

/* To hand a block to another thread takes synchronisation of the program's. */
inline give_away() {
    await_flush();
    d_step { slot = LOWEST(mine); mine = mine & ~BIT(slot); given_away = given_away | BIT(slot) }
}

inline fold() {
    await_flush();
    d_step { bits = remote; remote = 0 }
    own_live = own_live & ~bits;
    buffer ! DEAD(bits)
}

active proctype owner() {
    byte steps;
    byte slot;
    byte bits;
    byte mine;
    do
    :: steps < 7 -> steps++;
        if
        :: mask == 0 && own_live != ALL -> claim()
        :: mask != 0 -> take()
        :: mine != 0 -> give()
        :: mine != 0 -> give_away()
        :: remote != 0 -> fold()
        fi
    :: steps >= 1 -> break
    od;
    owner_ended = true
}
