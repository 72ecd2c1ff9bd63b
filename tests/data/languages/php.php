<?php
echo "hello from php\n";
echo "args: ", implode(" ", array_slice($argv, 1)), "\n";
echo "in: ", rtrim(fgets(STDIN), "\n"), "\n";
exit(3);
