/* What any dynamically linked C program costs: the peer of `faas version`. */
int main(void)
{
	return 0;
}
