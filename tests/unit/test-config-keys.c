#include "lib/config/keys.h"

#include "tests/unit/test.h"

TEST(every_key_is_sound)
{
	for (const struct config_key *k = config_keys; k->name; k++) {
		struct error err = { 0 };

		check(k->env && !strncmp(k->env, "FAAS_", 5));
		check((k->type == CONFIG_CHOICE) == (k->choices != NULL));
		check(!k->dflt || config_check(k, k->name, k->dflt, &err) == 0);
		check(config_key(k->name) == k);
	}
}

TEST(aliases_are_keys)
{
	check(config_key("alias.x-y_1"));
	check(!config_key("alias."));
	check(!config_key("alias.a b"));
	check(!config_key("alias"));
	check(!config_key("other.x"));
}

TEST(values)
{
	struct error err = { 0 };
	const struct config_key *k = config_key("memory");
	int r = config_check(k, "memory", "64M", &err);

	check(r == 0);
	r = config_check(k, "memory", "lots", &err);
	check(r < 0 && err.code == ERR_USAGE);
	check_str(err.msg, "memory is a size such as 64M or 1.5G, not 'lots'");
	check(!config_known("memroy", &err));
	check_str(err.hint, "did you mean 'memory'?");
}

TEST_MAIN;
