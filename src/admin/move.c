#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

/* --- Who gains, who loses ------------------------------------------------- */

struct effects {
	struct move_effect *items;
	size_t count;
	size_t cap;
};

static bool
effect_add(struct effects *effects, struct arena *arena, struct str username,
    struct str role, struct str from, bool gains, struct err *err)
{
	struct move_effect *items = arena_grow(arena, effects->items,
	    effects->count, &effects->cap, sizeof(*items));

	if (items == NULL)
		return change_no_memory(err);
	effects->items = items;
	items[effects->count++] = (struct move_effect){
		.username = str_copy(arena, username),
		.role = str_copy(arena, role),
		.from = str_copy(arena, from),
		.gains = gains,
	};
	return true;
}

static bool
effects_of_grants(struct admin *admin, const struct account *above, bool gains,
    struct effects *effects, struct arena *arena, struct err *err)
{
	struct names holders = { NULL, 0 };

	if (!store_holders(
		admin->store, &admin->arena, above->id, &holders, err))
		return false;
	for (size_t i = 0; i < holders.count; i++) {
		struct member member = { 0 };

		/* The foreign key says that there is one. */
		if (store_member_by_id(admin->store, &admin->arena,
			holders.items[i], &member, err) != FOUND_YES)
			return false;
		for (size_t g = 0; g < member.grant_count; g++)
			if (str_eq(member.grants[g].account, above->id) &&
			    !grant_expired(
				&member.grants[g], admin->now_ms / 1000) &&
			    !effect_add(effects, arena, member.username,
				member.grants[g].role, above->id, gains, err))
				return false;
	}
	return true;
}

static bool
effects_of_owner(struct admin *admin, const struct account *above, bool gains,
    struct effects *effects, struct arena *arena, struct err *err)
{
	const struct catalogue *catalogue = catalogue_of(admin, above);

	return above->owner.len == 0 || catalogue == NULL ||
	       catalogue->top < 0 ||
	       effect_add(effects, arena, above->owner,
		   catalogue->roles[catalogue->top].name, above->id, gains,
		   err);
}

/* What is held from `above` upwards, as far as the other chain does not have
 * it as well. */
static bool
effects_of_chain(struct admin *admin, const struct account *above,
    const struct account *other, bool gains, struct effects *effects,
    struct arena *arena, struct err *err)
{
	for (; above != NULL; above = above->parent) {
		if (account_is_within(other, above->id))
			return true;
		if (!effects_of_grants(
			admin, above, gains, effects, arena, err) ||
		    !effects_of_owner(admin, above, gains, effects, arena, err))
			return false;
	}
	return true;
}

static bool
effects_find(struct admin *admin, const struct account *account,
    const struct account *parent, struct effects *out, struct arena *arena,
    struct err *err)
{
	return effects_of_chain(
		   admin, parent, account->parent, true, out, arena, err) &&
	       effects_of_chain(
		   admin, account->parent, parent, false, out, arena, err);
}

/* --- Rules ---------------------------------------------------------------- */

static bool
rule_hangs(const struct account *account, struct str parent, struct err *err)
{
	if (account->parent == NULL)
		return err_set(err, ERR_REFUSED, "account_fixed",
		    "account %.*s: is the root of its tree and cannot move",
		    STR_ARGS(account->id));
	if (!str_eq(account->parent_id, parent))
		return true;
	return err_set(err, ERR_REFUSED, "account_fixed",
	    "account %.*s: is below %.*s already", STR_ARGS(account->id),
	    STR_ARGS(parent));
}

static bool
rule_no_cycle(const struct account *account, const struct account *parent,
    struct err *err)
{
	if (!account_is_within(parent, account->id))
		return true;
	return err_set(err, ERR_REFUSED, "tree_cycle",
	    "account %.*s: cannot move below itself, and %.*s is there",
	    STR_ARGS(account->id), STR_ARGS(parent->id));
}

/* Roles mean something in one catalogue only. */
static bool
rule_same_catalogue(const struct admin *admin, const struct account *account,
    const struct account *parent, struct err *err)
{
	if (catalogue_of(admin, account) == catalogue_of(admin, parent))
		return true;
	return err_set(err, ERR_REFUSED, "catalogue_differs",
	    "account %.*s: %.*s is in a tree of another catalogue, where its "
	    "roles mean nothing",
	    STR_ARGS(account->id), STR_ARGS(parent->id));
}

static bool
rule_fits_below(struct admin *admin, const struct account *account,
    const struct account *parent, struct err *err)
{
	struct names below = { NULL, 0 };
	int height = 0;

	if (!store_subtree(
		admin->store, &admin->arena, account->id, &below, err))
		return false;
	for (size_t i = 0; i < below.count; i++) {
		const struct account *a = NULL;

		if (!account_need(admin, below.items[i], &a, err))
			return false;
		if (account_depth(a) > height)
			height = account_depth(a);
	}
	height -= account_depth(account) - 1;
	return rule_depth(account, parent, height, err);
}

/* M3, P5: whoever gains by it is given a role. */
static bool
rule_gains(struct admin *admin, const struct account *account,
    const struct effects *effects, struct err *err)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->items[i].gains && !right_over_role(admin, account,
						   effects->items[i].role, err))
			return false;
	return true;
}

/* --- The move ------------------------------------------------------------- */

static bool
move_allowed(struct admin *admin, const struct account *account,
    const struct account *parent, struct err *err)
{
	struct effects effects = { 0 };

	return rule_hangs(account, parent->id, err) &&
	       right_above(
		   admin, account, account->parent, "account.delete", err) &&
	       right_to(admin, parent, "account.create", STR(""), err) &&
	       rule_shared(account, err) && rule_shared(parent, err) &&
	       rule_not_frozen(account, err) && rule_not_frozen(parent, err) &&
	       rule_no_cycle(account, parent, err) &&
	       rule_same_catalogue(admin, account, parent, err) &&
	       rule_fits_below(admin, account, parent, err) &&
	       effects_find(
		   admin, account, parent, &effects, &admin->arena, err) &&
	       rule_gains(admin, account, &effects, err);
}

/* The parent is looked up last: who may not know it hears of nothing else. */
static bool
both_need(struct admin *admin, struct str id, struct str parent_id,
    const struct account **account, const struct account **parent,
    struct err *err)
{
	return account_need(admin, id, account, err) &&
	       right_to_see(admin, *account, err) &&
	       account_need(admin, parent_id, parent, err) &&
	       right_to_see(admin, *parent, err);
}

static bool
account_put_below(struct admin *admin, const struct account *account,
    const struct account *parent, struct err *err)
{
	struct account after = *account;
	struct touches touches = { 0 };
	struct member owner = { 0 };
	struct names ids = { NULL, 0 };
	struct names tops = { NULL, 0 };

	after.parent_id = parent->id;
	after.parent = parent;
	touch(admin, &touches, "account", account->id);
	return (account->owner.len == 0 ||
		   member_need(admin, account->owner, &owner, err)) &&
	       store_subtree(
		   admin->store, &admin->arena, account->id, &ids, err) &&
	       tops_among(admin, ids, &tops, err) &&
	       store_put_account(admin->store, &after, owner.id,
		   next_generation(admin), err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "account.move", account->id,
		   state_account_text(&admin->arena, account),
		   state_account_text(&admin->arena, &after), &touches, err);
}

static bool
account_move(
    struct admin *admin, struct str id, struct str parent_id, struct err *err)
{
	const struct account *account = NULL;
	const struct account *parent = NULL;

	return both_need(admin, id, parent_id, &account, &parent, err) &&
	       move_allowed(admin, account, parent, err) &&
	       account_put_below(admin, account, parent, err);
}

bool
admin_account_move(
    struct admin *admin, struct str id, struct str parent, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, account_move(admin, id, parent, err), err);
}

bool
admin_move_effect(struct admin *admin, struct arena *arena, struct str id,
    struct str parent_id, struct move_effect **out, size_t *count,
    struct err *err)
{
	const struct account *account = NULL;
	const struct account *parent = NULL;
	struct effects effects = { 0 };

	if (!both_need(admin, id, parent_id, &account, &parent, err) ||
	    !move_allowed(admin, account, parent, err) ||
	    !effects_find(admin, account, parent, &effects, arena, err))
		return false;
	*out = effects.items;
	*count = effects.count;
	return true;
}
