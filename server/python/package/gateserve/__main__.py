from gateserve import main

main()
