/** A deployment whose beginning is cut off again and again; then its rollouts. */
import './interrupted.test.mts'
import './redeploy.test.mts'
