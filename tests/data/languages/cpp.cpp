#include <iostream>
#include <string>

int main(int argc, char **argv)
{
	std::string line;

	std::cout << "hello from cpp\nargs:";
	for (int i = 1; i < argc; i++)
		std::cout << ' ' << argv[i];
	std::getline(std::cin, line);
	std::cout << "\nin: " << line << std::endl;
	return 3;
}
